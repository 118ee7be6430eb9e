"""Receive a request: recognise it, apply its priority, and pass it to the notify path or the ask path."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from receiver.intake.ask import AskPath
from receiver.intake.notify import LARGE_BODY_BYTES, NOT_STORED, NOT_STORED_REPLY, DeliveryStarter, NotifyPath
from receiver.intake.priority import PriorityGate
from receiver.intake.responder import Responder
from receiver.intake.traced import Parse, in_this_trace, traced_parse
from receiver.intake.uncommitted import UncommittedRows
from receiver.metrics import Metrics
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import (
    CallbackRequest,
    Fault,
    HttpReply,
    Kind,
    Mode,
    ParsedCallback,
    ParsedRequest,
    Provider,
)
from receiver.providers.base.fingerprint import bytes_fingerprint
from receiver.wire import detect_format
from storage import Appended, GroupCommit, NewCallback

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Recognition:
    """What is known of a request before it is processed: its kind, and its content if recognition had to parse it.

    `began` is when it was complete, by `perf_counter_ns`.
    """

    kind: Kind | None
    parsed: ParsedRequest | None = None
    began: int = field(default_factory=perf_counter_ns)

    @property
    def asks(self) -> bool:
        """Whether a caller waits for the reply."""
        return self.kind is not None and self.kind.mode is Mode.ASK


class Intake:
    """Receives requests. `starter` starts the deliveries of stored callbacks at once, where that is possible.

    `uncommitted` is where the histories of calls find questions that wait for their commit. `tracing` makes spans.
    """

    def __init__(
        self,
        registry: Registry,
        journal: GroupCommit[NewCallback, Appended],
        responder: Responder,
        *,
        metrics: Metrics,
        starter: DeliveryStarter | None = None,
        priority: PriorityGate | None = None,
        uncommitted: UncommittedRows | None = None,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._parse: Parse = _parse if tracing is None else traced_parse(_parse, tracing)
        self._priority = priority or PriorityGate()
        self._journal = journal
        self._notify = NotifyPath(registry, journal, metrics, starter)
        rows = UncommittedRows() if uncommitted is None else uncommitted
        self._ask = AskPath(responder, journal, metrics, rows)

    async def settled(self) -> None:
        """Wait until everything received so far is stored."""
        await self._journal.settled()

    def recognise(self, provider: Provider[Any], request: CallbackRequest) -> Recognition:
        """Decide whether a request asks something; never raises.

        The beginning of the body decides where it names the kind. A small body that does not is parsed at once, and
        never again; a large one counts as what its URL is for.
        """
        began = perf_counter_ns()
        try:
            kind = provider.kind_in_head(request)
            if kind is None and len(request.body) > LARGE_BODY_BYTES:
                kind = provider.kind(request.endpoint.kind)
            elif kind is None or request.undecodable:
                parsed = self._parse(provider, request)
                return Recognition(provider.kind(parsed.callbacks[0].kind), parsed, began)
        except Exception:
            logger.exception("recognising a callback of %s failed", provider.name)
            kind = provider.kind(request.endpoint.kind)
        return Recognition(kind, began=began)

    async def receive(
        self, provider: Provider[Any], request: CallbackRequest, recognition: Recognition | None = None
    ) -> HttpReply:
        """The reply to a request. Never raises, whatever was sent."""
        known = recognition or self.recognise(provider, request)
        if known.asks:
            with self._priority.question_in_progress():
                return await self._receive(provider, request, known)
        if len(request.body) <= LARGE_BODY_BYTES:
            replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
            work = partial(self._store, provider, request, known, replied)
            self._priority.submit(work if self._tracing is None else in_this_trace(work))
            with suppress(_QuestionError):
                return await replied
        return await self._receive(provider, request, known)

    def reject_overloaded(
        self, provider: Provider[Any], request: CallbackRequest, recognition: Recognition
    ) -> HttpReply:
        """The reply when there is no room for a request: its kind's error with HTTP 503. Nothing is stored."""
        self._metrics.not_stored(provider.name)
        kind = recognition.kind.name if recognition.kind else _guess_kind(provider, request)
        reply = provider.fault_reply(kind, Fault.APPLICATION, NOT_STORED)
        return replace(provider.write(reply, detect_format(request.body, request.content_type)), status=503)

    def _store(
        self,
        provider: Provider[Any],
        request: CallbackRequest,
        known: Recognition,
        replied: asyncio.Future[HttpReply],
    ) -> None:
        """The work of a record when its priority lets it run: from its bytes into the journal's queue."""
        if replied.done():
            return  # the sender has disconnected
        try:
            known.parsed = known.parsed or self._parse(provider, request)
            if _question(provider, known.parsed) is not None:
                replied.set_exception(_QuestionError())
            else:
                self._notify.store(provider, request, known.parsed, known.began, replied)
        except Exception:
            self._store_unparsed(provider, request, known, replied)

    async def _receive(self, provider: Provider[Any], request: CallbackRequest, known: Recognition) -> HttpReply:
        """The reply to a question, or to a body that is large enough to be parsed on a thread."""
        replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
        try:
            parsed = known.parsed or await self._parse_off_loop(provider, request)
            kind = _question(provider, parsed)
            if kind is not None:
                return await self._ask.answer(provider, request, parsed, kind, known.began)
            self._notify.store(provider, request, parsed, known.began, replied)
        except Exception:
            self._store_unparsed(provider, request, known, replied)
        return await replied

    async def _parse_off_loop(self, provider: Provider[Any], request: CallbackRequest) -> ParsedRequest:
        """Parse large bodies on a thread: callers wait for the event loop."""
        if len(request.body) <= LARGE_BODY_BYTES:
            return self._parse(provider, request)
        return await asyncio.to_thread(self._parse_with_events, provider, request)

    def _parse_with_events(self, provider: Provider[Any], request: CallbackRequest) -> ParsedRequest:
        parsed = self._parse(provider, request)
        for callback in parsed.callbacks:
            callback.event  # noqa: B018 - made here, where no caller waits for it
        return parsed

    def _store_unparsed(
        self,
        provider: Provider[Any],
        request: CallbackRequest,
        known: Recognition,
        replied: asyncio.Future[HttpReply],
    ) -> None:
        """Store a record unparsed after a fault of ours: a repaired receiver can parse it."""
        logger.exception("receiving a callback of %s failed", provider.name)
        try:
            parsed = _unparsed(
                provider, request, Fault.APPLICATION, "the receiver failed while it parsed this callback"
            )
            self._notify.store(provider, request, parsed, known.began, replied)
        except Exception:
            logger.exception("a callback of %s could not even be stored unparsed", provider.name)
            if not replied.done():
                replied.set_result(NOT_STORED_REPLY)


class _QuestionError(Exception):
    """What was recognised as a record is a question."""


def _question(provider: Provider[Any], parsed: ParsedRequest) -> Kind | None:
    """The kind of a question; None for records."""
    kind = provider.kind(parsed.callbacks[0].kind)
    return kind if kind is not None and kind.mode is Mode.ASK else None


def _parse(provider: Provider[Any], request: CallbackRequest) -> ParsedRequest:
    if request.undecodable:
        return _unparsed(provider, request, Fault.PARSE, request.undecodable)
    return provider.read(request)


def _unparsed(provider: Provider[Any], request: CallbackRequest, fault: Fault, reason: str) -> ParsedRequest:
    kind = _guess_kind(provider, request)
    content = bytes_fingerprint(provider.name, kind, request.query, request.body)
    callback = ParsedCallback(kind, content, fault=fault, reason=reason)
    return ParsedRequest(detect_format(request.body, request.content_type), (callback,))


def _guess_kind(provider: Provider[Any], request: CallbackRequest) -> str:
    try:
        return provider.guess_kind(request)
    except Exception:
        logger.exception("guessing the kind of a callback of %s failed", provider.name)
        return request.endpoint.kind
