"""Voicenter: parsing its callbacks and writing the replies."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from receiver.errors import PayloadError, SettingsError, WireError
from receiver.providers.base.contract import (
    MAX_RECORDS,
    CallbackRequest,
    Endpoint,
    Fault,
    HttpReply,
    Kind,
    Mode,
    ParsedCallback,
    ParsedRequest,
    Provider,
    Reply,
)
from receiver.providers.base.event import Event
from receiver.providers.base.fingerprint import bytes_fingerprint, fingerprint, record_key
from receiver.providers.base.names import normalize_name
from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.record import CallRecord
from receiver.providers.voicenter.events import Cdr, HangupCall, IvrRequest, LayerInput, PopupRequest
from receiver.providers.voicenter.ivr_actions import IVR_ACTIONS, IvrAction, IvrError
from receiver.providers.voicenter.layer_actions import LAYER_ACTIONS, LayerError
from receiver.providers.voicenter.options import Fallback, VoicenterOptions
from receiver.providers.voicenter.outcomes import record_of_cdr, record_of_hangup
from receiver.providers.voicenter.recognition import (
    guess_kind,
    has_known_field,
    kind_at_url,
    kind_of_fields,
    kind_of_method,
    method_in_head,
    phones_and_id,
    type_names,
)
from receiver.providers.voicenter.replies import (
    CdrReply,
    Contact,
    HangupCallReply,
    NoContact,
    PopupError,
    UnknownMethod,
    VoicenterReply,
)
from receiver.settings import problems
from receiver.wire import BodyLimits, Format, Message, ShapeCache, Value, detect_format, jsonbody, read, xmlrpc
from receiver.wire.form import read_urlencoded

if TYPE_CHECKING:
    from receiver.providers.base.call_log import CallLogSource
    from receiver.providers.base.simulation import SimulatedCall

logger = logging.getLogger(__name__)

_FALLBACK_ACTIONS: dict[str, dict[str, type[VoicenterReply]]] = {
    "GET_IVR_ACTION": {reply.action: reply for reply in IVR_ACTIONS},
    "IVR_LAYER_INPUT": {reply.action: reply for reply in LAYER_ACTIONS},
    "POPUP": {"CONTACT": Contact},
}


class UnknownMethodError(PayloadError):
    """A call of a method that Voicenter does not have."""


class Voicenter(Provider[VoicenterOptions]):
    """Voicenter's callbacks, on one URL for all of them and one for each."""

    name: ClassVar[str] = "voicenter"
    title: ClassVar[str] = "Voicenter"
    options_type: ClassVar[type[ProviderOptions]] = VoicenterOptions
    fixed_options: ClassVar[frozenset[str]] = Provider.fixed_options | {"popup_origins"}
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint(),
        Endpoint("cdr", kind="CDR"),
        Endpoint("ivr", kind="GET_IVR_ACTION"),
        Endpoint("hangup", kind="HANGUP_CALL"),
        Endpoint("layer", kind="IVR_LAYER_INPUT"),
        Endpoint("popup", kind="POPUP", cors=True),
    )
    kinds: ClassVar[tuple[Kind, ...]] = (
        Kind("CDR", Mode.NOTIFY, Cdr, bulky=True, has_record=True),
        Kind("GET_IVR_ACTION", Mode.ASK, IvrRequest, IVR_ACTIONS),
        Kind("HANGUP_CALL", Mode.NOTIFY, HangupCall, has_record=True),
        Kind("IVR_LAYER_INPUT", Mode.ASK, LayerInput, LAYER_ACTIONS, patience=5.0),
        Kind("POPUP", Mode.ASK, PopupRequest, (Contact, NoContact), patience=3.0),
    )

    def __init__(self, options: VoicenterOptions, limits: BodyLimits | None = None) -> None:
        super().__init__(options, limits)
        self._shapes = ShapeCache()
        self._fallbacks = [(fallback, _reply_of(fallback)) for fallback in options.fallbacks]

    # --- reading ---

    @property
    def country_code(self) -> str:
        """The setting `country_code`."""
        return self.options.country_code

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The setting `popup_origins` (F-06)."""
        return self.options.popup_origins

    def kind_in_head(self, request: CallbackRequest) -> Kind | None:
        """The kind of the method that is named at the beginning of the body."""
        method = method_in_head(request.body)
        return self._kinds.get(kind_of_method(method) or "") if method else None

    def guess_kind(self, request: CallbackRequest) -> str:
        """The kind of the method, else that of the URL, else the most likely one by the fields."""
        kind = self.kind_in_head(request)
        return kind.name if kind else request.endpoint.kind or guess_kind(request.body or request.query)

    def is_callback_query(self, request: CallbackRequest) -> bool:
        """Whether the query has a field of any callback."""
        try:
            fields, _ = read_urlencoded(request.query, max_fields=self.limits.form_fields)
        except WireError:
            return True  # too many fields: stored with that reason
        return has_known_field(tuple(fields))

    def read(self, request: CallbackRequest) -> ParsedRequest:
        """The callbacks of a request; what cannot be read is one callback with its fault and reason."""
        try:
            message = self._message(request)
            callbacks, notes = self._callbacks(message, request.endpoint.kind)
        except (WireError, PayloadError) as error:
            dialect = detect_format(request.body, request.content_type)
            return ParsedRequest(dialect, (self._unparsed(request, error),))
        return ParsedRequest(message.format, callbacks, message.notes + notes)

    def _message(self, request: CallbackRequest) -> Message:
        if request.holds_query and self.is_callback_query(request):
            fields, notes = read_urlencoded(request.query, max_fields=self.limits.form_fields)
            return Message(Format.QUERY, fields, notes=notes)
        return read(request.body, request.content_type, limits=self.limits, shapes=self._shapes)

    def _callbacks(self, message: Message, expected: str) -> tuple[tuple[ParsedCallback, ...], tuple[str, ...]]:
        """The callbacks of a message, and a note where one is not what its URL is for."""
        values = message.values
        if isinstance(values, list) and len(values) != 1:
            return self._list_of_records(values, message.method, expected), ()
        if isinstance(values, list):
            values = values[0]  # a list of one record is treated as the record
        kind, content = self._recognise(values, message.method, expected)
        notes = (f"kind_not_of_url:{kind}",) if expected and kind != expected else ()
        return (self._callback(kind, content),), notes

    def _list_of_records(self, values: list[Value], method: str, expected: str) -> tuple[ParsedCallback, ...]:
        """Several records in one request, each on its own (A-23)."""
        if not values:
            raise PayloadError("the list of records is empty")
        if len(values) > MAX_RECORDS:
            raise PayloadError(f"the list has more than {MAX_RECORDS} records")
        return tuple(self._record_in_list(value, method, expected) for value in values)

    def _record_in_list(self, value: Value, method: str, expected: str) -> ParsedCallback:
        try:
            kind, content = self._recognise(value, method, expected)
            if kind != "CDR":
                raise PayloadError(f"{kind} cannot be in a list: each needs a reply of its own")
        except PayloadError as error:
            return ParsedCallback(expected, fingerprint(self.name, "", value), fault=Fault.PARSE, reason=str(error))
        return self._callback(kind, content)

    def _recognise(self, values: Value, method: str, expected: str) -> tuple[str, Mapping[str, Any]]:
        """The kind of a callback and its fields (A-04). Raises PayloadError."""
        envelope: dict[str, Any] = {}
        if isinstance(values, dict) and not method:  # in XML-RPC the method is outside the struct
            envelope = {normalize_name(name): value for name, value in values.items()}
        named = str(method or envelope.get("method") or "")
        kind = kind_of_method(named) if named else ""
        if kind is None:
            known = ", ".join(one.name for one in self.kinds)
            raise UnknownMethodError(f"unknown method {named[:60]!r}; there are {known}")
        try:
            content = self._content(values, envelope)
            kind = kind or _kind_of_unnamed(content, expected)
            self._check(kind, content)
        except PayloadError as error:
            error.kind = kind or expected
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
        beside = {name: value for name, value in values.items() if normalize_name(name) not in {"method", "data"}}
        if data in (None, "") and beside:
            return beside
        raise PayloadError("DATA is no struct")

    def _check(self, kind: str, content: Mapping[str, Any]) -> None:
        if kind == "CDR" and all(content[name] in (None, "") for name in phones_and_id(tuple(content))):
            raise PayloadError("the CDR has neither a call id nor a phone number")  # B-30
        if kind == "POPUP" and all(content[name] in (None, "") for name in content if normalize_name(name) == "phone"):
            raise PayloadError("the pop-up names no phone")

    def _callback(self, kind_name: str, content: Mapping[str, Any]) -> ParsedCallback:
        event_type = self._kinds[kind_name].event
        is_cdr = event_type is Cdr
        derived = {"epoch_zone": self.options.time_zone} if is_cdr else {}
        call_id = event_type.value_of("ivr_unique_id", content) or ""
        return ParsedCallback(
            kind_name,
            fingerprint(self.name, kind_name, content, event_type.moment_in(content)),
            make=partial(event_type.from_wire, content, **derived),
            call_id=call_id,
            record_key=self._leg_key(call_id, content) if is_cdr and call_id else b"",
        )

    def _leg_key(self, call_id: str, content: Mapping[str, Any]) -> bytes:
        """A leg by what its CDR and its row in the call log share: legs have one call id and different types (B-25)."""
        names = type_names(tuple(content))
        sent = content[names[0]] if len(names) == 1 else Cdr.value_of("type", content)
        return record_key(self.name, call_id, normalize_name(sent) if isinstance(sent, str) else "")

    def _unparsed(self, request: CallbackRequest, error: WireError | PayloadError) -> ParsedCallback:
        unknown = isinstance(error, UnknownMethodError)
        fault = Fault.UNKNOWN_METHOD if unknown else Fault.PARSE
        kind = (error.kind if isinstance(error, PayloadError) else "") or request.endpoint.kind
        if not (kind or unknown):
            kind = guess_kind(request.body or request.query)
        query = request.query if request.holds_query else b""
        content = bytes_fingerprint(self.name, kind, query, request.body)
        return ParsedCallback(kind, content, fault=fault, reason=str(error))

    # --- answering ---

    def acknowledgement(self, kind: str) -> Reply:
        """The acknowledgement: `err` 0, or STATUS 0 for HANGUP_CALL."""
        return HangupCallReply() if kind == "HANGUP_CALL" else CdrReply()

    def fault_reply(self, kind: str, fault: Fault, reason: str) -> Reply:
        """The documented error reply of each kind; the CDR's if the kind is unknown."""
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
        """The first configured fallback whose kind and number match."""
        number = getattr(event, "did", "")
        for fallback, reply in self._fallbacks:
            if fallback.kind == event.kind and fallback.did in {"", number}:
                return reply
        return None

    def error_reply(self, kind: str) -> Reply:
        """STATUS 1 for IVR questions (C-26, E-18), no contact for the pop-up (F-04)."""
        return NoContact() if kind == "POPUP" else self.fault_reply(kind, Fault.APPLICATION, "")

    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """XML-RPC in reply to XML-RPC, JSON in reply to all other formats and to pop-ups (A-03, A-06)."""
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
            logger.warning("LANGUAGE %s is not in the setting providers.voicenter.languages; sent as it is", language)

    def simulations(self) -> "Mapping[str, type[SimulatedCall]]":
        """Calls to your own IVR, to a layer of Voicenter's IVR, the pop-up, and calls that only leave records."""
        from receiver.providers.voicenter import simulation

        return {
            "ivr": simulation.IvrCall,
            "layer": simulation.LayerCall,
            "popup": simulation.PopupCall,
            "record": simulation.RecordedCall,
        }

    def call_log(self) -> "CallLogSource":
        """The call log of its API (chapter 3)."""
        from receiver.providers.voicenter.call_log import VoicenterCallLog

        return VoicenterCallLog(self.options)

    def gap(self, kinds: Collection[str], events: Callable[[], Sequence[Event]]) -> str:
        """A call that has ended, or that an IVR has answered, has a CDR (chapters 4, 5 and 12)."""
        expects = {"HANGUP_CALL", "GET_IVR_ACTION", "IVR_LAYER_INPUT"} & set(kinds)
        return "no CDR" if expects and "CDR" not in kinds else ""

    def examples(self) -> Mapping[type[Event], Mapping[str, Any]]:
        """An example of each event."""
        from receiver.providers.voicenter.examples import examples

        return examples()

    def record(self, event: Event) -> CallRecord | None:
        """The call record of a CDR or a HANGUP_CALL; None for questions."""
        match event:
            case Cdr():
                return record_of_cdr(event, self.options.country_code)
            case HangupCall():
                return record_of_hangup(event, self.options.country_code)
        return None


def _kind_of_unnamed(content: Mapping[str, Any], expected: str) -> str:
    """The kind of a callback without a method: its URL's, unless its fields say otherwise. Raises PayloadError."""
    names = tuple(content)
    kind = kind_at_url(expected, names) if expected else kind_of_fields(names)
    if not kind:
        raise PayloadError(
            "it names no method, and has neither a call id, nor caller with target and status, nor the fields of "
            "another callback"
        )
    return kind


def _object_in_text(text: str) -> Value:
    try:
        return jsonbody.read(text)[0]
    except WireError:
        return text


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
        where = f"providers.voicenter.fallbacks: {fallback.kind} {fallback.action}: fields"
        fields = ", ".join(reply_type.model_fields)
        raise SettingsError(problems(error, where, unknown=f"there is no such field; there are {fields}")) from error
