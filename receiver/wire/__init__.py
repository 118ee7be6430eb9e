"""Bytes to plain Python values and back. Knows XML-RPC, JSON and forms; knows no provider."""

from receiver.wire.message import Format, Limits, Message, Value
from receiver.wire.reading import read, tell_format

__all__ = ["Format", "Limits", "Message", "Value", "read", "tell_format"]
