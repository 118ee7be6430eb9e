"""Voicenter: which callback a request is, and what its replies look like as bytes."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import unquote_plus

from pydantic import ValidationError

from receiver.errors import PayloadError, SettingsError, WireError
from receiver.providers.contract import (
    MAX_RECORDS,
    CallbackRequest,
    Endpoint,
    Fault,
    HttpReply,
    Item,
    Kind,
    Mode,
    Provider,
    ProviderOptions,
    Reading,
    Reply,
    bytes_fingerprint,
    fingerprint,
)
from receiver.providers.event import Event
from receiver.providers.naming import remembered, spelling
from receiver.providers.records import CallRecord
from receiver.providers.voicenter.events import Cdr, HangupCall, IvrRequest, LayerInput, PopupRequest
from receiver.providers.voicenter.ivr_actions import IVR_ACTIONS, IvrAction, IvrError
from receiver.providers.voicenter.layer_actions import LAYER_ACTIONS, LayerError
from receiver.providers.voicenter.options import Fallback, VoicenterOptions
from receiver.providers.voicenter.outcomes import record_of_cdr, record_of_hangup
from receiver.providers.voicenter.replies import (
    CdrReply,
    Contact,
    HangupCallReply,
    NoContact,
    PopupError,
    UnknownMethod,
    VoicenterReply,
)
from receiver.wire import Format, Limits, Message, Value, jsonbody, read, tell_format, xmlrpc
from receiver.wire.form import read_urlencoded

logger = logging.getLogger(__name__)

_METHODS = {
    spelling(alias): kind
    for kind, aliases in {
        "CDR": ("CDR",),
        "GET_IVR_ACTION": ("GET_IVR_ACTION", "IVR_MENU"),  # C-03
        "HANGUP_CALL": ("HANGUP_CALL",),
        "IVR_LAYER_INPUT": ("IVR_LAYER_INPUT", "IvrExternalLayerInput", "IVR_EXTERNAL_LAYER_INPUT"),  # E-01
    }.items()
    for alias in aliases
}
_PHONES_AND_ID = {"caller", "target", "did", "callerphone", "ivruniqueid"}
_FALLBACK_ACTIONS: dict[str, dict[str, type[VoicenterReply]]] = {
    "GET_IVR_ACTION": {reply.action: reply for reply in IVR_ACTIONS},
    "IVR_LAYER_INPUT": {reply.action: reply for reply in LAYER_ACTIONS},
    "POPUP": {"CONTACT": Contact},
}


class UnknownMethodError(PayloadError):
    """A call of a method that is none of Voicenter's."""


class Voicenter(Provider[VoicenterOptions]):
    """Voicenter's callbacks on one URL, the pop-up below it."""

    name: ClassVar[str] = "voicenter"
    title: ClassVar[str] = "Voicenter"
    options_type: ClassVar[type[ProviderOptions]] = VoicenterOptions
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint(),
        Endpoint("cdr", kind="CDR"),
        Endpoint("ivr", kind="GET_IVR_ACTION"),
        Endpoint("hangup", kind="HANGUP_CALL"),
        Endpoint("layer", kind="IVR_LAYER_INPUT"),
        Endpoint("popup", kind="POPUP", on_get=True, cors=True),
    )
    kinds: ClassVar[tuple[Kind, ...]] = (
        Kind("CDR", Mode.NOTIFY, Cdr, bulky=True),
        Kind("GET_IVR_ACTION", Mode.ASK, IvrRequest, IVR_ACTIONS),
        Kind("HANGUP_CALL", Mode.NOTIFY, HangupCall),
        Kind("IVR_LAYER_INPUT", Mode.ASK, LayerInput, LAYER_ACTIONS, patience=5.0),
        Kind("POPUP", Mode.ASK, PopupRequest, (Contact, NoContact), patience=3.0),
    )

    def __init__(self, options: VoicenterOptions, limits: Limits | None = None) -> None:
        super().__init__(options, limits)
        self._fallbacks = [(fallback, _reply_of(fallback)) for fallback in options.fallbacks]

    # --- reading ---

    def read(self, request: CallbackRequest) -> Reading:
        """The content of a request; what cannot be read is one item with its fault and reason."""
        dialect = tell_format(request.body, request.content_type)
        try:
            message = self._message(request)
            items = self._items(message, request.endpoint.kind)
        except (WireError, PayloadError) as error:
            return Reading(dialect, (self._unread(request, error),))
        return Reading(message.format, items, message.notes)

    def _message(self, request: CallbackRequest) -> Message:
        if request.endpoint.on_get and not request.body.strip():
            fields, notes = read_urlencoded(request.query, max_fields=self.limits.form_fields)
            return Message(Format.QUERY, fields, notes=notes)
        return read(request.body, request.content_type, limits=self.limits)

    def _items(self, message: Message, expected: str) -> tuple[Item, ...]:
        values = message.values
        if isinstance(values, list) and len(values) != 1:
            return self._list_of_records(values, message.method, expected)
        if isinstance(values, list):
            values = values[0]  # [record] is as good as the record
        kind, content = self._recognise(values, message.method, expected)
        return (self._item(kind, content),)

    def _list_of_records(self, values: list[Value], method: str, expected: str) -> tuple[Item, ...]:
        """Several records in one request, each on its own (A-23)."""
        if not values:
            raise PayloadError("the list of records is empty")
        if len(values) > MAX_RECORDS:
            raise PayloadError(f"the list has more than {MAX_RECORDS} records")
        return tuple(self._record_in_list(value, method, expected) for value in values)

    def _record_in_list(self, value: Value, method: str, expected: str) -> Item:
        try:
            kind, content = self._recognise(value, method, expected)
            if kind != "CDR":
                raise PayloadError(f"{kind} cannot stand in a list: each needs a reply of its own")
        except PayloadError as error:
            return Item(expected, fingerprint(self.name, "", value), fault=Fault.PARSE, reason=str(error))
        return self._item(kind, content)

    def _recognise(self, values: Value, method: str, expected: str) -> tuple[str, Mapping[str, Any]]:
        """The kind of a callback and its fields (A-04). Raises PayloadError."""
        envelope: dict[str, Any] = {}
        if isinstance(values, dict) and not method:  # in XML-RPC the method stands outside
            envelope = {spelling(name): value for name, value in values.items()}
        named = method or envelope.get("method", "")
        if named:
            kind = _METHODS.get(spelling(str(named).rsplit(".", 1)[-1]))  # "x.CDR" is CDR (B-27)
            if kind is None:
                raise UnknownMethodError(f"nobody knows the method {str(named)[:60]!r}")
        else:
            kind = expected or "CDR"
        try:
            content = self._content(values, envelope)
            self._check(kind, content, named=bool(named))
        except PayloadError as error:
            error.kind = kind if named else expected
            raise
        return kind, content

    def _content(self, values: Value, envelope: Mapping[str, Any]) -> Mapping[str, Any]:
        if not isinstance(values, dict):
            raise PayloadError("the callback is no struct")
        if not ("method" in envelope or "data" in envelope):
            return values
        data = envelope.get("data")
        if isinstance(data, str) and data.lstrip().startswith("{"):
            data = _object_in_text(data)
        if isinstance(data, list) and len(data) == 1:
            data = data[0]
        if isinstance(data, dict):
            return data
        beside = {name: value for name, value in values.items() if spelling(name) not in {"method", "data"}}
        if data in (None, "") and beside:
            return beside
        raise PayloadError("DATA is no struct")

    def _check(self, kind: str, content: Mapping[str, Any], *, named: bool) -> None:
        if kind == "CDR" and all(content[name] in (None, "") for name in _phones_and_id(tuple(content))):
            what = "the CDR" if named else "what came names no method and"
            raise PayloadError(f"{what} has neither a call id nor a phone number")  # B-30
        if kind == "POPUP" and all(content[name] in (None, "") for name in content if spelling(name) == "phone"):
            raise PayloadError("the pop-up names no phone")

    def _item(self, kind_name: str, content: Mapping[str, Any]) -> Item:
        event_type = self._kinds[kind_name].event
        derived = {"epoch_zone": self.options.time_zone} if event_type is Cdr else {}
        return Item(
            kind_name,
            fingerprint(self.name, kind_name, content, event_type.moment_in(content)),
            make=partial(event_type.from_wire, content, **derived),
            call_id=event_type.value_of("ivr_unique_id", content) or "",
        )

    def _unread(self, request: CallbackRequest, error: WireError | PayloadError) -> Item:
        unknown = isinstance(error, UnknownMethodError)
        fault = Fault.UNKNOWN_METHOD if unknown else Fault.PARSE
        told = error.kind if isinstance(error, PayloadError) else ""
        kind = told or request.endpoint.kind or ("" if unknown else _guess(request.body))
        content = bytes_fingerprint(self.name, kind, request.query if request.endpoint.on_get else b"", request.body)
        return Item(kind, content, fault=fault, reason=str(error))

    # --- answering ---

    def acknowledgement(self, kind: str) -> Reply:
        """Err 0 or STATUS 0."""
        return HangupCallReply() if kind == "HANGUP_CALL" else CdrReply()

    def refusal(self, kind: str, fault: Fault, reason: str) -> Reply:
        """The documented error of each callback; the CDR's where the kind is unknown."""
        if fault is Fault.UNKNOWN_METHOD and self.options.unknown_method == "fault":
            return UnknownMethod(text=_plain(reason))
        match kind:
            case "GET_IVR_ACTION":
                return IvrError()
            case "IVR_LAYER_INPUT":
                return LayerError()
            case "HANGUP_CALL":
                return HangupCallReply(status=1)
            case "POPUP":
                return PopupError()
        return CdrReply(err=2 if fault is Fault.APPLICATION else 1, errdesc=_plain(reason))

    def fallback(self, event: Event) -> Reply | None:
        """The first configured fallback whose kind matches, and whose number does."""
        number = getattr(event, "did", "")
        for fallback, reply in self._fallbacks:
            if fallback.kind == event.kind and fallback.did in {"", number}:
                return reply
        return None

    def last_resort(self, kind: str) -> Reply:
        """STATUS 1 for the IVRs (C-26, E-18), nobody for the pop-up (F-04)."""
        return NoContact() if kind == "POPUP" else self.refusal(kind, Fault.APPLICATION, "")

    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """XML-RPC for XML-RPC, JSON for all else (A-03, A-06)."""
        assert isinstance(reply, VoicenterReply)  # noqa: S101 - intake only passes replies of this provider
        in_xml = dialect is Format.XMLRPC and not isinstance(reply, Contact | NoContact | PopupError)
        values = reply.values(dialect if in_xml else Format.JSON, self.options)
        self._warn_of_language(reply)
        if in_xml and isinstance(reply, UnknownMethod):
            fault = xmlrpc.write_fault(xmlrpc.FAULT_UNKNOWN_METHOD, reply.text)
            return HttpReply(fault, "text/xml; charset=utf-8")
        if in_xml:
            return HttpReply(xmlrpc.write_response(values), "text/xml; charset=utf-8")
        return HttpReply(jsonbody.write(values), "application/json")

    def _warn_of_language(self, reply: VoicenterReply) -> None:
        language = reply.language if isinstance(reply, IvrAction) else None
        if language and language.lower() not in map(str.lower, self.options.languages):
            logger.warning("LANGUAGE %s is none of the setting providers.voicenter.languages; sent as it is", language)

    def record(self, event: Event) -> CallRecord | None:
        """Of a CDR or a HANGUP_CALL."""
        match event:
            case Cdr():
                return record_of_cdr(event, self.options.country_code)
            case HangupCall():
                return record_of_hangup(event, self.options.country_code)
        return None


@remembered
def _phones_and_id(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if spelling(name) in _PHONES_AND_ID)


def _object_in_text(text: str) -> Value:
    try:
        return jsonbody.read(text)[0]
    except WireError:
        return text


def _guess(body: bytes) -> str:
    """The kind that a broken body most likely meant, told from the method's name in it."""
    text = unquote_plus(body[:4096].decode("latin-1").replace("\0", ""))
    squeezed = spelling(text)
    for alias, kind in _METHODS.items():
        if alias != "cdr" and alias in squeezed:
            return kind
    return ""


def _plain(reason: str) -> str:
    """A reason as a short sentence of plain ASCII (B-32)."""
    sentence = "".join(char if 32 <= ord(char) < 127 else "?" for char in reason)
    return sentence[:200] or "Application error"


def _reply_of(fallback: Fallback) -> VoicenterReply:
    actions = _FALLBACK_ACTIONS[fallback.kind]
    reply_type = actions.get(fallback.action.strip().upper())
    if reply_type is None:
        raise SettingsError(
            f"providers.voicenter.fallbacks: {fallback.kind} has no action {fallback.action!r}; "
            f"write one of {', '.join(actions)}"
        )
    try:
        return reply_type(**fallback.fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(
            f"providers.voicenter.fallbacks: {fallback.kind} {fallback.action}: fields {problems}"
        ) from error
