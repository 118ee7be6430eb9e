"""Requests made from the samples that ship with the receiver, each with a place for a unique number."""

from dataclasses import dataclass

from receiver.providers.base.samples import find_samples
from receiver.wire import Format

PLACE = "n" * 18
"""Replaced by a unique number in each request: the journal detects repeats by their content."""


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


def cdr_xmlrpc() -> Payload:
    """A call record as XML-RPC, the format that most of them come in: the document's own example."""
    return _of_sample("CDR XML-RPC", "voicenter", "cdr", Format.XMLRPC, call_id="sdfsdfsdfsfsf")


def cdr_json() -> Payload:
    """A call record as JSON: the document's own example."""
    return _of_sample("CDR JSON", "voicenter", "cdr", Format.JSON, call_id="x" * 32)


def ivr_xmlrpc() -> Payload:
    """The first question of a call to an IVR, as XML-RPC."""
    id_ = "ced4619f30fc17182d8e41ddf4d6869X"
    return _of_sample("GET_IVR_ACTION XML-RPC", "voicenter", "ivr-start", Format.XMLRPC, call_id=id_)


def layer_json() -> Payload:
    """Digits that a caller has typed in a layer, as JSON."""
    return _of_sample("IVR_LAYER_INPUT JSON", "voicenter", "layer-dial", Format.JSON, call_id="x" * 28)


def spokn_form() -> Payload:
    """One leg of a Spokn call, as a form."""
    return _of_sample("Spokn form", "spokn", "leg1", Format.FORM, call_id="order-17")


def _of_sample(name: str, provider: str, case: str, format_: Format, *, call_id: str) -> Payload:
    """The bytes of a sample, with the place for a number instead of its call id."""
    [sample] = find_samples(provider, case, format_)
    before, place, after = sample.body.partition(call_id.encode())
    if not place or call_id.encode() in after:
        raise ValueError(f"{name} must have exactly one place for its number")
    [content_type] = [value for header, value in sample.headers if header == "Content-Type"]
    return Payload(name, sample.target, content_type, before, after)
