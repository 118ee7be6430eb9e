"""Which callback a body is: by the method that it names, else by its fields (A-04)."""

import re
from urllib.parse import unquote_plus

from receiver.providers.base.memoize import memoize_by_names
from receiver.providers.base.names import normalize_name
from receiver.providers.voicenter.events import Cdr, HangupCall, IvrRequest, LayerInput, PopupRequest

METHODS = {
    normalize_name(alias): kind
    for kind, aliases in {
        "CDR": ("CDR",),
        "GET_IVR_ACTION": ("GET_IVR_ACTION", "IVR_MENU"),  # C-03
        "HANGUP_CALL": ("HANGUP_CALL",),
        "IVR_LAYER_INPUT": ("IVR_LAYER_INPUT", "IvrExternalLayerInput", "IVR_EXTERNAL_LAYER_INPUT"),  # E-01
        "POPUP": ("POPUP",),
    }.items()
    for alias in aliases
}
"""Kinds by the normalised name of their method."""

_CDR_KEYS = {"caller", "target", "status"}
"""Fields that together make a CDR of a callback without a call id (A-04)."""
_CDR_ONLY = {"caller", "duration", "dialtime", "type", "time"}
"""Fields of a CDR alone, but with such plain names that any other callback may grow one of them (A-21)."""
_ONLY = {
    "GET_IVR_ACTION": {"menu", "previousmenu"},
    "IVR_LAYER_INPUT": {"layerid", "previouslayerid"},
    "HANGUP_CALL": {"callstatus", "calltimeepoch", "callstartepoch", "callduration", "calldailtime", "calldialtime"},
    "POPUP": {"phone"},
}
"""Fields that one kind has and no other."""
_EVENTS = {event.kind: event for event in (Cdr, IvrRequest, HangupCall, LayerInput, PopupRequest)}
_KNOWN = {*_CDR_ONLY, *(name for names in _ONLY.values() for name in names)} | {
    *("ivruniqueid", "ivrid", "target", "status", "statuscall", "did", "callerid", "callerphone", "dtmf"),
    *("method", "data"),
}
PHONES_AND_ID = {"caller", "target", "did", "callerphone", "ivruniqueid"}
"""Fields of which a CDR must have one (B-30)."""

_HEAD_BYTES = 1024
_METHOD_IN_HEAD = re.compile(
    rb"<methodName>\s*([\w.-]{1,80})\s*</methodName>|\A\s*\{\s*\"?METHOD\"?\s*:\s*\"([\w. -]{1,80})\"", re.IGNORECASE
)
_NAME = re.compile(r"(?:<name>|[\"'{,&?]|\A)\s*([A-Za-z_][\w-]{1,39})\s*(?:</name>|[\"']?\s*[:=])")


def kind_of_method(method: str) -> str | None:
    """The kind of a method in any case; a prefix does not count: "x.CDR" is CDR (B-27). None for an unknown method."""
    return METHODS.get(normalize_name(method.rsplit(".", 1)[-1]))


def method_in_head(body: bytes) -> str:
    """The method that the beginning of an XML-RPC call or of a METHOD/DATA envelope names; empty if it names none."""
    found = _METHOD_IN_HEAD.search(body, 0, _HEAD_BYTES)
    return (found[1] or found[2]).decode("ascii", "replace") if found else ""


@memoize_by_names
def kind_of_fields(names: tuple[str, ...]) -> str:
    """The kind of a callback that names no method; empty where its fields are not those of any kind (A-04).

    A field of another kind outweighs those of a CDR, whose names are plain, unless all keys of a CDR are there.
    """
    fields = {normalize_name(name) for name in names}
    own = {kind: len(fields & only) for kind, only in _ONLY.items()}
    kind = max(own, key=lambda kind: own[kind])
    has_cdr_keys = fields >= _CDR_KEYS
    if own[kind]:
        return "CDR" if has_cdr_keys and len(fields & _CDR_ONLY) >= own[kind] else kind
    return "CDR" if has_cdr_keys or "ivruniqueid" in fields else ""


@memoize_by_names
def kind_at_url(expected: str, names: tuple[str, ...]) -> str:
    """The kind of a callback that names no method, at the URL of the kind `expected`.

    The URL counts, unless the fields belong to another kind and none of them to the URL's kind alone.
    """
    kind = kind_of_fields(names)
    if kind in {"", expected}:
        return expected
    fields = {normalize_name(name) for name in names}
    if fields & (_EVENTS[expected].wire_names() - _EVENTS[kind].wire_names()):
        return expected
    if kind == "CDR" and not (fields >= _CDR_KEYS or len(fields & _CDR_ONLY) > 1):
        return expected
    return kind


@memoize_by_names
def phones_and_id(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that hold the call id or a phone number of a CDR."""
    return tuple(name for name in names if normalize_name(name) in PHONES_AND_ID)


@memoize_by_names
def type_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that hold the type of a CDR."""
    return tuple(name for name in names if normalize_name(name) == "type")


def has_known_field(names: tuple[str, ...]) -> bool:
    """Whether any callback has one of these fields."""
    return any(normalize_name(name) in _KNOWN for name in names)


def guess_kind(body: bytes) -> str:
    """The most likely kind of a body that cannot be read; empty where nothing in it indicates one."""
    text = unquote_plus(body[:4096].decode("latin-1").replace("\0", ""))
    normalized = normalize_name(text)
    for alias, kind in METHODS.items():
        if alias not in {"cdr", "popup"} and alias in normalized:  # these two occur in values as well
            return kind
    named = kind_of_method(method_in_head(text.encode("latin-1", "replace")))
    return named or kind_of_fields(tuple(dict.fromkeys(_NAME.findall(text))))
