"""Spokn: parse status posts and acknowledge them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from receiver.errors import PayloadError, WireError
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
from receiver.providers.base.fingerprint import bytes_fingerprint, fingerprint
from receiver.providers.base.names import normalize_name
from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.record import CallRecord, Direction, Money, Outcome, international
from receiver.providers.spokn.events import StatusCode, StatusPost
from receiver.providers.spokn.options import SpoknOptions
from receiver.wire import Format, Message, Value, detect_format, read
from receiver.wire.form import read_urlencoded

if TYPE_CHECKING:
    from receiver.providers.base.simulation import SimulatedCall

OUTCOMES = {
    StatusCode.SUCCESS: Outcome.ANSWERED,
    StatusCode.NUMBER_BUSY: Outcome.BUSY,
    StatusCode.NO_ANSWER: Outcome.NO_ANSWER,
    StatusCode.ROUTE_CONGESTED: Outcome.FAILED,
    StatusCode.CALL_CANCELLED_BEFORE_ANSWER: Outcome.CANCELLED,
    StatusCode.INVALID_NUMBER: Outcome.INVALID_NUMBER,
    StatusCode.OTHER_ERROR: Outcome.FAILED,
    StatusCode.CALL_ALREADY_IN_PROGRESS: Outcome.NOT_DIALED,  # rejected, because an earlier call was in progress (G-11)
}

_FALLBACK_CHARSETS = ("latin-1",)  # G-18
_FIELDS = {"userid", "aparty", "bparty", "leg", "start", "duration", "token", "rate", "cost", "status"}
_IDENTIFYING = {"userid", "aparty", "bparty", "token", "status"}


class StatusReply(Reply):
    """The reply to a status post. The document specifies none: plain text, "OK" or an error (G-02)."""

    text: Annotated[str, Field(max_length=200)] = "OK"


class Spokn(Provider[SpoknOptions]):
    """Spokn's status posts on one URL."""

    name: ClassVar[str] = "spokn"
    title: ClassVar[str] = "Spokn"
    options_type: ClassVar[type[ProviderOptions]] = SpoknOptions
    endpoints: ClassVar[tuple[Endpoint, ...]] = (Endpoint(kind="STATUS"),)
    kinds: ClassVar[tuple[Kind, ...]] = (Kind("STATUS", Mode.NOTIFY, StatusPost, has_record=True),)

    def kind_in_head(self, request: CallbackRequest) -> Kind | None:
        """STATUS: Spokn sends nothing else."""
        return self.kinds[0]

    def is_callback_query(self, request: CallbackRequest) -> bool:
        """Whether the query has a field of a status post."""
        try:
            fields, _ = read_urlencoded(request.query, fallbacks=_FALLBACK_CHARSETS, max_fields=self.limits.form_fields)
        except WireError:
            return True  # too many fields: stored with that reason
        return not _has_no_known_field(fields)

    def read(self, request: CallbackRequest) -> ParsedRequest:
        """The status posts of a request: form, multipart, JSON or query; the first with a known field counts (G-01)."""
        dialect = detect_format(request.body, request.content_type)
        try:
            message = self._message(request)
            if isinstance(message.values, list) and len(message.values) > MAX_RECORDS:
                raise PayloadError(f"the list has more than {MAX_RECORDS} posts")
        except (WireError, PayloadError) as error:
            content = bytes_fingerprint(self.name, "STATUS", request.query, request.body)
            return ParsedRequest(dialect, (ParsedCallback("STATUS", content, fault=Fault.PARSE, reason=str(error)),))
        posts = message.values if isinstance(message.values, list) and message.values else [message.values]
        return ParsedRequest(message.format, tuple(map(self._callback, posts)), message.notes)

    def _message(self, request: CallbackRequest) -> Message:
        if request.body.strip() or not request.query:
            message = read(request.body, request.content_type, _FALLBACK_CHARSETS, self.limits)
            if not (request.query and _has_no_known_field(message.values)):
                return message
        fields, notes = read_urlencoded(request.query, fallbacks=_FALLBACK_CHARSETS, max_fields=self.limits.form_fields)
        return Message(Format.QUERY, fields, notes=notes)

    def _callback(self, values: Value) -> ParsedCallback:
        moment = StatusPost.moment_in(values) if isinstance(values, dict) else None
        content = fingerprint(self.name, "STATUS", values, moment)
        try:
            if not isinstance(values, dict):
                raise PayloadError("the post holds no fields")
            present = {normalize_name(name) for name, value in values.items() if value not in (None, "")}
            if not present & _IDENTIFYING:
                raise PayloadError("the post has none of userid, aparty, bparty, token and status")
        except PayloadError as error:
            return ParsedCallback("STATUS", content, fault=Fault.PARSE, reason=str(error))
        make = partial(StatusPost.from_wire, values)
        call_id = StatusPost.value_of("token", values) or make().call_id
        return ParsedCallback("STATUS", content, make=make, call_id=call_id)

    def acknowledgement(self, kind: str) -> Reply:
        """The reply "OK"."""
        return StatusReply()

    def fault_reply(self, kind: str, fault: Fault, reason: str) -> Reply:
        """One line with the reason."""
        return StatusReply(text=f"ERROR: {reason}"[:200])

    def fallback(self, event: Event) -> Reply | None:
        """None: Spokn has no questions."""
        return None

    def error_reply(self, kind: str) -> Reply:
        """Never used: Spokn has no questions."""
        return StatusReply()

    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """One line of plain text, whatever the format of the request (G-02)."""
        assert isinstance(reply, StatusReply)  # noqa: S101 - intake only passes replies of this provider
        return HttpReply(reply.text.encode(), "text/plain; charset=utf-8")

    def simulations(self) -> "Mapping[str, type[SimulatedCall]]":
        """The two legs of a click-to-call."""
        from receiver.providers.spokn.simulation import ClickToCall

        return {"click_to_call": ClickToCall}

    def gap(self, kinds: Collection[str], events: Callable[[], Sequence[Event]]) -> str:
        """A call of which leg 1 was answered has a leg 2 (G-03). Without a token the posts cannot be matched (G-04)."""
        posts = [event for event in events() if isinstance(event, StatusPost) and event.token]
        legs = {post.leg for post in posts}
        reached = any(post.leg == 1 and post.status == StatusCode.SUCCESS for post in posts)
        return "no post of leg 2" if reached and 2 not in legs else ""

    def examples(self) -> Mapping[type[Event], Mapping[str, Any]]:
        """An example of each event."""
        from receiver.providers.spokn.examples import examples

        return examples()

    def record(self, event: Event) -> CallRecord | None:
        """The call record of one leg; both legs name both parties."""
        if not isinstance(event, StatusPost):
            return None
        return CallRecord(
            provider=self.name,
            call_id=event.call_id,
            leg=event.leg,
            from_number=event.aparty,
            to_number=event.bparty,
            from_international=_international(event.aparty),
            to_international=_international(event.bparty),
            direction=Direction.OUTGOING,
            started=event.started,
            talk_seconds=event.duration_seconds,
            outcome=_outcome(event.status),
            cost=None if event.cost is None else Money(amount=event.cost / Decimal(100), currency="USD"),
            event=event,
        )


def _has_no_known_field(values: Value) -> bool:
    return isinstance(values, dict) and not any(normalize_name(name) in _FIELDS for name in values)


def _outcome(status: int | None) -> Outcome:
    try:
        return OUTCOMES[StatusCode(status)] if status is not None else Outcome.UNKNOWN
    except ValueError:
        return Outcome.UNKNOWN


def _international(party: str) -> str | None:
    """The international form of a phone number, which begins with "+"; digits alone are a Spokn ID (G-14)."""
    return international(party, "") if party.startswith("+") else None
