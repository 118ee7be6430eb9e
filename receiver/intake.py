"""The path of one callback: read it, store or answer it, reply. Free of the web framework.

A notify callback is stored first and acknowledged then. An ask callback is answered first and stored then: the
database never delays or breaks the answer to a caller.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import perf_counter_ns
from typing import Any, Protocol

from receiver.answering import Answer, Answering, write_answer
from receiver.metrics import Metrics
from receiver.plugins.loading import Registry
from receiver.providers.contract import (
    CallbackRequest,
    Fault,
    HttpReply,
    Item,
    Kind,
    Mode,
    Provider,
    Reading,
    bytes_fingerprint,
)
from receiver.providers.event import Event
from receiver.turns import Turns
from receiver.wire import tell_format
from storage import Appended, GroupCommit, NewCallback, Start, StoreError

logger = logging.getLogger(__name__)

KEPT_HEADERS = frozenset(
    (
        "content-type",
        "content-encoding",
        "user-agent",
        "host",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
    )
)
"""Headers that help to understand a callback later; credentials and cookies are not among them."""
KEPT_FOR_ANSWERS = 1_000
"""Places in the journal's queue that only answered questions may take: a flood of records must not cost them."""
CATCH_UP_SECONDS = 0.1
"""A caller hardly hears so much; without it questions could be answered faster than they can be stored."""
LARGE_BODY_BYTES = 128 * 1024
"""Reading more takes longer than callers should wait for the loop: some 20 ms."""
NOT_STORED = "the callback could not be stored; send it again"
_UNSTORED = HttpReply(NOT_STORED.encode(), "text/plain; charset=utf-8", 503)
"""Where the provider's own words for it cannot be had."""


class Starter(Protocol):
    """Begins deliveries with the transaction that makes them."""

    def reserve(self, names: Sequence[str], total: int) -> Start | None:
        """Places for deliveries to these handlers, of `total` in all; None if they must be looked for later."""

    def begin(self, new: NewCallback, stored: Appended | None, event: Event | None) -> None:
        """Begin what was reserved, or give the places back where nothing was stored."""


class Intake:
    """Takes callbacks in. `starter` is told of each callback that has deliveries, before and after it is stored."""

    def __init__(
        self,
        registry: Registry,
        journal: GroupCommit[NewCallback, Appended],
        answering: Answering,
        *,
        metrics: Metrics,
        starter: Starter | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._answering = answering
        self._metrics = metrics
        self._starter = starter
        self._turns = turns or Turns()

    async def receive(self, provider: Provider[Any], request: CallbackRequest) -> HttpReply:
        """The reply to a request. Never raises, whatever was sent."""
        if provider.may_ask(request):
            with self._turns.of_question():
                return await self._receive(provider, request)
        if len(request.body) <= LARGE_BODY_BYTES:
            replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
            self._turns.take(partial(self._take_in, provider, request, replied))
            with suppress(_QuestionError):
                return await replied
        return await self._receive(provider, request)

    def _take_in(self, provider: Provider[Any], request: CallbackRequest, replied: asyncio.Future[HttpReply]) -> None:
        """The turn of a record: from its bytes into the journal's queue."""
        if replied.done():
            return  # whoever sent it has gone
        began = perf_counter_ns()
        try:
            reading = provider.read(request)
            if _asked(provider, reading) is None:
                self._keep(provider, request, reading, began, replied)
            else:
                replied.set_exception(_QuestionError())
        except Exception:
            self._keep_unread(provider, request, began, replied)

    async def _receive(self, provider: Provider[Any], request: CallbackRequest) -> HttpReply:
        """The reply to what may be a question, or is so large that a thread should read it."""
        began = perf_counter_ns()
        replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
        try:
            reading = await _read(provider, request)
            kind = _asked(provider, reading)
            if kind is not None:
                return await self._ask(provider, request, reading, kind, began)
            self._keep(provider, request, reading, began, replied)
        except Exception:
            self._keep_unread(provider, request, began, replied)
        return await replied

    def turn_away(self, provider: Provider[Any], request: CallbackRequest) -> HttpReply:
        """The reply to a request that there is no room for: 503 in the provider's dialect, and nothing is stored."""
        self._metrics.not_stored(provider.name)
        reply = provider.refusal(request.endpoint.kind, Fault.APPLICATION, NOT_STORED)
        return replace(provider.write(reply, tell_format(request.body, request.content_type)), status=503)

    # --- notify: store, then acknowledge ---

    def _keep(
        self,
        provider: Provider[Any],
        request: CallbackRequest,
        reading: Reading,
        began: int,
        replied: asyncio.Future[HttpReply],
    ) -> None:
        """Store a record. Its reply is due when it is on disk; at once, and 503, if there is no room for it."""
        refused = next((item for item in reading.items if item.fault), None)
        if refused is not None and refused.fault is not None:
            http_reply = provider.write(provider.refusal(refused.kind, refused.fault, refused.reason), reading.dialect)
        else:
            http_reply = provider.acknowledge(reading.items[0].kind, reading.dialect)
        took_us = _microseconds_since(began)
        rows = [
            _row(
                provider,
                request,
                reading,
                item,
                http_reply,
                took_us,
                outcome="accepted" if item.is_readable else "unparsed",
                reason=item.reason,
                once=True,
                part=part,
                deliveries=self._listeners(provider, item),
                call_key=f"{provider.name}:{item.call_id}" if item.call_id else "",
            )
            for part, item in enumerate(reading.items)
        ]
        told = partial(self._kept, provider, reading, rows, http_reply, replied)
        self._reserve(rows, is_small=len(request.body) <= LARGE_BODY_BYTES)
        try:
            self._journal.submit(rows, told)
        except StoreError as error:
            told(error)

    def _keep_unread(
        self, provider: Provider[Any], request: CallbackRequest, began: int, replied: asyncio.Future[HttpReply]
    ) -> None:
        """A fault of ours must not lose the record: it is kept, and a repaired receiver can read it again."""
        logger.exception("taking in a callback of %s failed", provider.name)
        try:
            self._keep(provider, request, _unread(provider, request), began, replied)
        except Exception:
            logger.exception("a callback of %s could not even be kept unread", provider.name)
            if not replied.done():
                replied.set_result(_UNSTORED)

    def _kept(
        self,
        provider: Provider[Any],
        reading: Reading,
        rows: Sequence[NewCallback],
        http_reply: HttpReply,
        replied: asyncio.Future[HttpReply],
        results: list[Appended] | StoreError,
    ) -> None:
        """A record is on disk, or is not: its deliveries begin, whether its sender still waits or not."""
        reply = _UNSTORED if isinstance(results, StoreError) else http_reply
        try:
            if isinstance(results, StoreError):
                self._begin(rows, reading.items, [None] * len(rows))
                reply = self._not_stored(provider, reading, results)
            else:
                self._begin(rows, reading.items, results)
                for row, result in zip(rows, results, strict=True):
                    repeated = result.duplicate_of and row.outcome == "accepted"
                    self._metrics.took_in(provider.name, row.kind, "duplicate" if repeated else row.outcome)
        except Exception:
            logger.exception("what follows the storing of a callback of %s failed", provider.name)
        if not replied.done():
            replied.set_result(reply)

    def _not_stored(self, provider: Provider[Any], reading: Reading, error: StoreError) -> HttpReply:
        logger.error("a callback of %s could not be stored: %s", provider.name, error)
        self._metrics.not_stored(provider.name)
        reply = provider.refusal(reading.items[0].kind, Fault.APPLICATION, NOT_STORED)
        return replace(provider.write(reply, reading.dialect), status=503)

    def _reserve(self, rows: Sequence[NewCallback], *, is_small: bool) -> None:
        """Places for deliveries that may begin at once; large callbacks wait on disk, not in memory."""
        for row in rows:
            if self._starter is not None and row.deliveries:
                row.start = self._starter.reserve(row.deliveries if is_small else (), len(row.deliveries))

    def _begin(self, rows: Sequence[NewCallback], items: Sequence[Item], results: Sequence[Appended | None]) -> None:
        """Begin the deliveries that were reserved, or give their places back."""
        for row, item, result in zip(rows, items, results, strict=True):
            if self._starter is not None and row.deliveries:
                self._starter.begin(row, result, _event_of(item) if result and result.started else None)

    def _listeners(self, provider: Provider[Any], item: Item) -> tuple[str, ...]:
        kind = provider.kind(item.kind)
        if kind is None or not item.is_readable:
            return ()
        names = self._registry.unconditional(kind.event)
        if names is not None:
            return names
        event = item.event
        assert event is not None  # noqa: S101 - it is readable
        record = provider.record(event) if self._registry.wants_records else None
        return tuple(handler.name for handler in self._registry.listeners(event, record))

    # --- ask: answer, then store ---

    async def _ask(
        self, provider: Provider[Any], request: CallbackRequest, reading: Reading, kind: Kind, began: int
    ) -> HttpReply:
        item = reading.items[0]
        if item.event is None:
            refusal = provider.refusal(item.kind, item.fault or Fault.PARSE, item.reason)
            answer = Answer(refusal, "unparsed", item.reason)
        else:
            answer = await self._answering.answer(provider, kind, item.event, request.received_at)
        http_reply, answer = write_answer(provider, kind, answer, reading.dialect)
        self._metrics.answered(provider.name, kind.name, (perf_counter_ns() - began) / 1e9)
        self._metrics.took_in(provider.name, kind.name, answer.outcome)
        if answer.cause:
            self._metrics.missed(provider.name, kind.name, answer.cause, answer.outcome)
        took_us = _microseconds_since(began)
        row = _row(
            provider,
            request,
            reading,
            item,
            http_reply,
            took_us,
            outcome=answer.outcome,
            reason=answer.reason,
            once=item.event is None,
        )
        await self._store(row)
        return http_reply

    async def _store(self, row: NewCallback) -> None:
        """Store an answered question beside its reply; only if the journal is far behind the reply waits a little."""
        stored = asyncio.get_running_loop().create_future()

        def told(results: list[Appended] | StoreError) -> None:
            if isinstance(results, StoreError):
                logger.error("an answered %s could not be stored: %s", row.kind, results)
            if not stored.done():
                stored.set_result(None)

        try:
            self._journal.submit([row], told, beyond=KEPT_FOR_ANSWERS)
        except StoreError as error:
            told(error)
        if self._journal.is_far_behind:
            await asyncio.wait({stored}, timeout=CATCH_UP_SECONDS)


class _QuestionError(Exception):
    """What was taken for a record asks something."""


def _asked(provider: Provider[Any], reading: Reading) -> Kind | None:
    """The kind of a question; None for records."""
    kind = provider.kind(reading.items[0].kind)
    return kind if kind is not None and kind.mode is Mode.ASK else None


def _event_of(item: Item) -> Event | None:
    """The event; None if a fault of ours keeps it from being made: it is read again then, and fails for all to see."""
    try:
        return item.event
    except Exception:
        logger.exception("an event could not be made")
        return None


async def _read(provider: Provider[Any], request: CallbackRequest) -> Reading:
    """Read on a thread what would take long: callers wait for the loop."""
    if len(request.body) <= LARGE_BODY_BYTES:
        return provider.read(request)
    return await asyncio.to_thread(_read_wholly, provider, request)


def _read_wholly(provider: Provider[Any], request: CallbackRequest) -> Reading:
    reading = provider.read(request)
    for item in reading.items:
        item.event  # noqa: B018 - made here, where it holds nobody up
    return reading


def _unread(provider: Provider[Any], request: CallbackRequest) -> Reading:
    kind = request.endpoint.kind
    content = bytes_fingerprint(provider.name, kind, request.query, request.body)
    reason = "the receiver failed while it read this callback"
    item = Item(kind, content, fault=Fault.APPLICATION, reason=reason)
    return Reading(tell_format(request.body, request.content_type), (item,))


def _row(
    provider: Provider[Any],
    request: CallbackRequest,
    reading: Reading,
    item: Item,
    reply: HttpReply,
    took_us: int,
    *,
    outcome: str,
    reason: str,
    once: bool,
    part: int = 0,
    deliveries: tuple[str, ...] = (),
    call_key: str = "",
) -> NewCallback:
    return NewCallback(
        provider=provider.name,
        received_at=request.received_at,
        kind=item.kind,
        call_id=item.call_id,
        outcome=outcome,
        reason=reason,
        notes=reading.notes,
        content_hash=item.content_hash,
        once=once,
        format=reading.dialect.value,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        peer=request.peer,
        body=request.body if part == 0 else b"",
        part=part,
        reply_status=reply.status,
        reply_type=reply.content_type,
        reply_body=reply.body,
        took_us=took_us,
        deliveries=deliveries,
        call_key=call_key,
    )


def _microseconds_since(began: int) -> int:
    return (perf_counter_ns() - began) // 1000
