"""Spokn: the status posts of its click-to-call service (technical reference, "Callback URL")."""

from receiver.providers.spokn.events import StatusCode, StatusPost
from receiver.providers.spokn.provider import Spokn, StatusReply

PROVIDER = Spokn

__all__ = ["PROVIDER", "Spokn", "StatusCode", "StatusPost", "StatusReply"]
