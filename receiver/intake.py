"""The path of one callback: read it, store or answer it, reply. Free of the web framework.

A notify callback is stored first and acknowledged then. An ask callback is answered first and stored then: the
database never delays or breaks the answer to a caller.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import Any

import httpx

from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler
from receiver.plugins.loading import Registry
from receiver.plugins.running import Runner
from receiver.providers.contract import (
    CallbackRequest,
    Fault,
    HttpReply,
    Item,
    Kind,
    Mode,
    Provider,
    Reading,
    Reply,
    bytes_fingerprint,
)
from receiver.providers.event import Event
from receiver.wire import tell_format
from storage import Appended, GroupCommit, NewCallback, StoreError

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
MARGIN_SECONDS = 0.5
"""Kept free between our deadline and the end of a provider's patience, for the way back."""
NOT_STORED = "the callback could not be stored; send it again"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question was answered, for the journal: outcome, and the reason where it was not the handler's reply."""

    reply: Reply
    outcome: str
    reason: str = ""


class Intake:
    """Takes callbacks in. `delivered` is called when new deliveries are in the journal."""

    def __init__(
        self,
        registry: Registry,
        journal: GroupCommit[NewCallback, Appended],
        runner: Runner,
        *,
        deadline: float,
        http: httpx.AsyncClient,
        handler_settings: Mapping[str, Mapping[str, Any]],
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._runner = runner
        self._deadline = deadline
        self._http = http
        self._handler_settings = handler_settings
        self._delivered = delivered
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def receive(self, provider: Provider[Any], request: CallbackRequest) -> HttpReply:
        """The reply to a request. Never raises, whatever was sent."""
        began = perf_counter_ns()
        try:
            reading = provider.read(request)
            kind = provider.kind(reading.items[0].kind)
            if kind is not None and kind.mode is Mode.ASK:
                return await self._ask(provider, request, reading, kind, began)
            return await self._notify(provider, request, reading, began)
        except Exception:
            # A fault of ours must not lose the record: it is kept, and a repaired receiver can read it again.
            logger.exception("taking in a callback of %s failed", provider.name)
            return await self._notify(provider, request, _unread(provider, request), began)

    # --- notify: store, then acknowledge ---

    async def _notify(
        self, provider: Provider[Any], request: CallbackRequest, reading: Reading, began: int
    ) -> HttpReply:
        refused = next((item for item in reading.items if item.fault), None)
        if refused is not None and refused.fault is not None:
            reply = provider.refusal(refused.kind, refused.fault, refused.reason)
        else:
            reply = provider.acknowledgement(reading.items[0].kind)
        http_reply = provider.write(reply, reading.dialect)
        took_us = _microseconds_since(began)
        rows = [
            self._row(provider, request, reading, part, item, http_reply, took_us)
            for part, item in enumerate(reading.items)
        ]
        try:
            results = await self._journal.submit(rows)
        except StoreError as error:
            logger.error("a callback of %s could not be stored: %s", provider.name, error)  # noqa: TRY400
            reply = provider.refusal(reading.items[0].kind, Fault.APPLICATION, NOT_STORED)
            return replace(provider.write(reply, reading.dialect), status=503)
        if any(row.deliveries and not result.duplicate_of for row, result in zip(rows, results, strict=True)):
            self._delivered()
        return http_reply

    def _row(
        self,
        provider: Provider[Any],
        request: CallbackRequest,
        reading: Reading,
        part: int,
        item: Item,
        http_reply: HttpReply,
        took_us: int,
    ) -> NewCallback:
        call_id = item.event.call_id if item.event else ""
        return NewCallback(
            **_request_fields(provider, request, reading, part),
            **_reply_fields(http_reply, took_us),
            kind=item.kind,
            call_id=call_id,
            outcome="accepted" if item.event else "unparsed",
            reason=item.reason,
            content_hash=item.content_hash,
            once=True,
            deliveries=self._listeners(provider, item.event) if item.event else (),
            call_key=f"{provider.name}:{call_id}" if call_id else "",
        )

    def _listeners(self, provider: Provider[Any], event: Event) -> tuple[str, ...]:
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
            answer = await self._answer(provider, kind, item.event, request)
        http_reply, answer = _write(provider, kind, answer, reading)
        self._store_later(
            NewCallback(
                **_request_fields(provider, request, reading, 0),
                **_reply_fields(http_reply, _microseconds_since(began)),
                kind=item.kind,
                call_id=item.event.call_id if item.event else "",
                outcome=answer.outcome,
                reason=answer.reason,
                content_hash=item.content_hash,
                once=item.event is None,
            )
        )
        return http_reply

    async def _answer(self, provider: Provider[Any], kind: Kind, event: Event, request: CallbackRequest) -> Answer:
        reply: Any = None
        try:
            handler = self._registry.answerer(event)
            if handler is None:
                reason = f"no handler answers this {kind.name}"
                logger.warning("%s. To answer it: %s", reason, _suggestion(provider, event))
            else:
                reply, reason = await self._ask_handler(handler, kind, event, request, provider.name)
        except Exception as error:
            logger.exception("the handler of a %s failed", kind.name)
            reason = f"{type(error).__name__}: {error}"
        if reply is not None and not reason:
            return Answer(reply, "answered")
        fallback = provider.fallback(event)
        if fallback is not None:
            return Answer(fallback, "fallback", reason)
        return Answer(provider.last_resort(kind.name), "failed", reason)

    async def _ask_handler(
        self, handler: Handler, kind: Kind, event: Event, request: CallbackRequest, provider: str
    ) -> tuple[Any, str]:
        """The handler's reply and an empty reason, or None and the reason. Raises what the handler raises."""
        context = Context(
            provider=provider,
            received_at=request.received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
        )
        deadline = self._deadline if kind.patience is None else min(self._deadline, kind.patience - MARGIN_SECONDS)
        task = asyncio.create_task(self._runner.run(handler, event, context))
        done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            self._abandon(task)
            logger.warning("%s is late: no reply within %g s", handler.name, deadline)
            return None, f"{handler.name} gave no reply within {deadline:g} s"
        reply = task.result()
        if not isinstance(reply, kind.replies):
            allowed = ", ".join(reply_type.__name__ for reply_type in kind.replies)
            logger.error("%s returned %s; it must return one of %s", handler.name, type(reply).__name__, allowed)
            return None, f"{handler.name} returned {type(reply).__name__}, which is none of {allowed}"
        return reply, ""

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel a late handler without waiting for it: a caller is on the line."""
        self._unfinished.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.warning("a late handler failed after its caller was gone: %r", task.exception())

    def _store_later(self, row: NewCallback) -> None:
        try:
            stored = self._journal.submit([row])
        except StoreError as error:
            logger.error("an answered %s could not be stored: %s", row.kind, error)  # noqa: TRY400
        else:
            stored.add_done_callback(_log_if_lost)


def _log_if_lost(stored: asyncio.Future[list[Appended]]) -> None:
    if not stored.cancelled() and stored.exception() is not None:
        logger.error("an answered question could not be stored: %s", stored.exception())


def _unread(provider: Provider[Any], request: CallbackRequest) -> Reading:
    kind = request.endpoint.kind
    content = bytes_fingerprint(provider.name, kind, request.query, request.body)
    item = Item(kind, content, None, Fault.APPLICATION, "the receiver failed while it read this callback")
    return Reading(tell_format(request.body, request.content_type), (item,))


def _write(provider: Provider[Any], kind: Kind, answer: Answer, reading: Reading) -> tuple[HttpReply, Answer]:
    try:
        return provider.write(answer.reply, reading.dialect), answer
    except Exception as error:
        logger.exception("a reply to %s could not be written", kind.name)
        answer = Answer(provider.last_resort(kind.name), "failed", f"the reply could not be written: {error}")
        return provider.write(answer.reply, reading.dialect), answer


def _request_fields(provider: Provider[Any], request: CallbackRequest, reading: Reading, part: int) -> dict[str, Any]:
    return {
        "provider": provider.name,
        "received_at": request.received_at,
        "notes": reading.notes,
        "format": reading.dialect.value,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": tuple((name, value) for name, value in request.headers if name.lower() in KEPT_HEADERS),
        "peer": request.peer,
        "body": request.body if part == 0 else b"",
        "part": part,
    }


def _reply_fields(reply: HttpReply, took_us: int) -> dict[str, Any]:
    return {
        "reply_status": reply.status,
        "reply_type": reply.content_type,
        "reply_body": reply.body,
        "took_us": took_us,
    }


def _microseconds_since(began: int) -> int:
    return (perf_counter_ns() - began) // 1000


def _suggestion(provider: Provider[Any], event: Event) -> str:
    name = type(event).__name__
    return f"from receiver.providers.{provider.name} import {name}, then @handlers.answer({name}) above a function"
