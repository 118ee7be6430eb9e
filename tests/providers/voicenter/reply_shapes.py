"""Which replies Voicenter's document has; `make fuzz` holds every reply to it."""

import re
import xmlrpc.client
from typing import Any

import httpx
import orjson

from receiver.wire.xmlrpc import FAULT_UNKNOWN_METHOD

_XML_START = b'<?xml version="1.0" encoding="utf-8"?>\n<methodResponse>'
_XML_TAGS = frozenset(
    b"methodResponse params param fault value struct member name array data int string".split()  # the document's types
)
_TAG = re.compile(rb"</?([^>/?\s]+)[^>]*>")


def wrong_reply(reply: httpx.Response) -> str:
    """What is wrong with a reply, or nothing. Raises what its parser raises if it is broken."""
    match reply.headers["content-type"]:
        case "text/xml; charset=utf-8":
            return _wrong_values(_from_xml(reply.content), int)
        case "application/json":
            return _wrong_values(orjson.loads(reply.content), str)
        case other:
            return f"the reply's type is {other}"


def _from_xml(body: bytes) -> Any:
    """The value of a response: strict, with no type that the provider's document does not have."""
    if not body.startswith(_XML_START):
        raise ValueError("no declaration, or no response")
    if unknown := set(_TAG.findall(body.partition(b"\n")[2])) - _XML_TAGS:
        raise ValueError(f"tags {unknown}")
    try:
        (value,), _ = xmlrpc.client.loads(body.decode("utf-8"))
    except xmlrpc.client.Fault as fault:
        return {"fault": fault.faultCode}
    return value


def _wrong_values(values: Any, err_type: type) -> str:
    match values:
        case {"fault": code} if code == FAULT_UNKNOWN_METHOD:
            return ""
        case {"err": err, "errdesc": str()} if len(values) == 2:
            return "" if type(err) is err_type and str(err) in {"0", "1"} else f"err is {err!r}"
        case {"STATUS": 0 | 1} if len(values) == 1:
            return ""
        case {"STATUS": 0 | 1, "ACTION": str(), **_more}:
            return ""
        case {"STATUS": "OK" | "1", "URL": str(), "CLIENTNAME": str(), "TOTAL": str(), "COMPANY": str()}:
            return "" if len(values) == 5 else "the pop-up has more than its five fields"
    return f"no documented shape: {str(values)[:100]}"
