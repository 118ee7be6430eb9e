"""ViviPhone: click-to-call buttons and their history (API reference guide 1.2). It sends no callbacks (I-45)."""

from typing import TYPE_CHECKING, Any

from receiver.providers.base.api.lazy import client_class
from receiver.providers.viviphone.events import PastCall
from receiver.providers.viviphone.provider import ViviPhone

if TYPE_CHECKING:
    from receiver.providers.viviphone.api.client import Client
    from receiver.providers.viviphone.api.client_sync import SyncClient

PROVIDER = ViviPhone

__all__ = ["PROVIDER", "Client", "PastCall", "SyncClient", "ViviPhone"]

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> Any:
        """The clients, loaded when they are first asked for."""
        return client_class(__name__, name)
