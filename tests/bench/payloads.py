"""What is sent: requests made from the samples that ship with the receiver, each with a place for a fresh number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from receiver.providers.base.samples import find_samples
from receiver.wire import Format, jsonbody, xmlrpc

PLACE = "n" * 18
"""Where each request gets a number of its own: the journal knows a repeat by its content."""

LEFT_OUT = ("seconds_waiting_in_queue", "OriginalIvrUniqueID")
"""Of the longest sample of a CDR: what only calls from a queue have. 21 fields stay."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A request in two halves, around the place for its number."""

    name: str
    path: str
    content_type: str
    before: bytes
    after: bytes

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.before) + len(PLACE) + len(self.after)

    def body(self, number: str) -> bytes:
        """A body with this number, which must be as long as its place."""
        if len(number) != len(PLACE):
            raise ValueError(f"a number has {len(PLACE)} characters")
        return self.before + number.encode() + self.after


def cdr_fields() -> dict[str, Any]:
    """A call record of 21 fields."""
    fields = _values("voicenter", "cdr-full")
    return {name: value for name, value in fields.items() if name not in LEFT_OUT} | {"ivruniqueid": PLACE}


def cdr_xmlrpc() -> Payload:
    """A call record as XML-RPC, the format that most of them come in."""
    return _payload("CDR XML-RPC", "/voicenter", "text/xml", xmlrpc.write_call("CDR", cdr_fields()))


def cdr_json() -> Payload:
    """The same as JSON."""
    return _payload("CDR JSON", "/voicenter", "application/json", orjson.dumps(cdr_fields()))


def ivr_xmlrpc() -> Payload:
    """A caller who has just reached an IVR, as XML-RPC."""
    fields = _values("voicenter", "ivr-start")["DATA"] | {"IVR_UNIQUE_ID": PLACE}
    return _payload("GET_IVR_ACTION XML-RPC", "/voicenter", "text/xml", xmlrpc.write_call("GET_IVR_ACTION", fields))


def layer_json() -> Payload:
    """Digits that a caller has typed in a layer, as JSON."""
    sent = _values("voicenter", "layer-dial")
    sent["DATA"]["IVR_UNIQUE_ID"] = PLACE
    return _payload("IVR_LAYER_INPUT JSON", "/voicenter", "application/json", orjson.dumps(sent))


def spokn_form() -> Payload:
    """One leg of a Spokn call, as a form."""
    [sample] = find_samples("spokn", "leg1", Format.FORM)
    fields = dict(parse_qsl(sample.body.decode())) | {"token": PLACE}
    return _payload("Spokn form", "/spokn", "application/x-www-form-urlencoded", urlencode(fields).encode())


def _values(provider: str, name: str) -> dict[str, Any]:
    [sample] = find_samples(provider, name, Format.JSON)
    values, _notes = jsonbody.read(sample.body.decode())
    assert isinstance(values, Mapping)
    return dict(values)


def _payload(name: str, path: str, content_type: str, body: bytes) -> Payload:
    before, place, after = body.partition(PLACE.encode())
    if not place or PLACE.encode() in after:
        raise ValueError(f"{name} must have exactly one place for its number")
    return Payload(name, path, content_type, before, after)
