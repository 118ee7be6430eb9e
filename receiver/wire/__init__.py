"""Bytes to plain Python values and back: XML-RPC, JSON and forms, independent of providers."""

from receiver.wire.body import detect_format, read
from receiver.wire.fast_xmlrpc import ShapeCache
from receiver.wire.message import BodyLimits, Format, Message, Value

__all__ = ["BodyLimits", "Format", "Message", "ShapeCache", "Value", "detect_format", "read"]
