"""Spokn: the status posts of its click-to-call service (technical reference, "Callback URL")."""

from typing import TYPE_CHECKING, Any

from receiver.providers.base.api.lazy import client_class
from receiver.providers.spokn.events import StatusCode, StatusPost
from receiver.providers.spokn.provider import Spokn, StatusReply

if TYPE_CHECKING:
    from receiver.providers.spokn.api.client import Client
    from receiver.providers.spokn.api.client_sync import SyncClient

PROVIDER = Spokn

__all__ = ["PROVIDER", "Client", "Spokn", "StatusCode", "StatusPost", "StatusReply", "SyncClient"]

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> Any:
        """The clients, loaded when they are first asked for."""
        return client_class(__name__, name)
