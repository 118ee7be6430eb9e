"""The path of an ask callback: answer it in time, then store it. A slow database never delays a caller."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from time import perf_counter_ns
from typing import Any

import httpx

from receiver.intake.journal_row import journal_row
from receiver.metrics import Metrics
from receiver.plugins.context import Context
from receiver.plugins.failures import log_failure
from receiver.plugins.handlers import Handler
from receiver.plugins.loading import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.contract import CallbackRequest, Fault, HttpReply, Kind, ParsedRequest, Provider, Reply
from receiver.providers.base.event import Event
from receiver.wire import Format
from storage import Appended, GroupCommit, NewCallback, StoreError

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 0.5
"""Between our deadline and the end of a provider's patience: the reply has to travel back."""
RESERVED_FOR_ANSWERS = 1_000
"""Places in the journal's queue that only answered questions may take, so that a flood of records cannot."""
CATCH_UP_SECONDS = 0.1
"""How long a reply waits for its row when the journal is far behind: without it questions could be answered faster
than they can be stored. A caller hardly hears so much."""


class Cause(StrEnum):
    """Why a question was not answered by its handler."""

    NONE = ""
    NO_HANDLER = "no_handler"
    RAISED = "raised"
    NONSENSE = "nonsense"
    """It returned something that is no reply to this question."""
    LATE = "late"
    UNWRITABLE = "unwritable"
    """Its reply could not be written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question was answered, for the journal: outcome, and the reason where it was not the handler's reply."""

    reply: Reply
    outcome: str
    reason: str = ""
    cause: Cause = Cause.NONE


class _NoReplyError(Exception):
    """The handler gave no usable reply."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


class Responder:
    """Gets the reply to a question from its handler.

    `deadline` is how many seconds a handler has; less where the provider is less patient.
    """

    def __init__(
        self,
        registry: Registry,
        runner: Runner,
        *,
        deadline: float,
        http: httpx.AsyncClient,
        apis: ApiClients | None = None,
        handler_settings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._deadline = deadline
        self._http = http
        self._apis = apis or ApiClients()
        self._handler_settings = handler_settings
        self._late_tasks: set[asyncio.Task[Any]] = set()

    async def answer(self, provider: Provider[Any], kind: Kind, event: Event, received_at: datetime) -> Answer:
        """The answer to a question, in time; never raises."""
        handler = None
        try:
            handler = self._registry.answerer(event)
            if handler is None:
                logger.warning("no handler answers this %s. To answer it: %s", kind.name, _suggestion(provider, event))
                raise _NoReplyError(Cause.NO_HANDLER, f"no handler answers this {kind.name}")
            return Answer(await self._ask_handler(handler, kind, event, received_at, provider.name), "answered")
        except _NoReplyError as missing:
            cause, reason = missing.cause, str(missing)
        except Exception as error:
            self._log(handler, kind, event, error)
            cause, reason = Cause.RAISED, f"{type(error).__name__}: {error}"
        fallback = provider.fallback(event)
        if fallback is not None:
            return Answer(fallback, "fallback", reason, cause)
        return Answer(provider.error_reply(kind.name), "failed", reason, cause)

    async def _ask_handler(
        self, handler: Handler, kind: Kind, event: Event, received_at: datetime, provider: str
    ) -> Reply:
        """The handler's reply. Raises what the handler raises, and _NoReplyError where it gave no usable reply."""
        context = Context(
            provider=provider,
            received_at=received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
            apis=self._apis,
        )
        deadline = self._deadline if kind.patience is None else min(self._deadline, kind.patience - MARGIN_SECONDS)
        task = asyncio.create_task(self._runner.run(handler, event, context))
        done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            self._abandon(task)
            logger.warning("%s is late: no reply within %g s", handler.name, deadline, extra={"call_id": event.call_id})
            raise _NoReplyError(Cause.LATE, f"{handler.name} gave no reply within {deadline:g} s")
        reply: object = task.result()
        if not isinstance(reply, kind.replies):
            allowed = ", ".join(reply_type.__name__ for reply_type in kind.replies)
            logger.error("%s returned %s; it must return one of %s", handler.name, type(reply).__name__, allowed)
            nonsense = f"{handler.name} returned {type(reply).__name__}, which is none of {allowed}"
            raise _NoReplyError(Cause.NONSENSE, nonsense)
        return reply

    @staticmethod
    def _log(handler: Handler | None, kind: Kind, event: Event, error: Exception) -> None:
        if handler is None:
            logger.error("finding the handler of a %s failed", kind.name, exc_info=error)
            return
        message = "%s failed to answer a %s: `receiver callbacks list` has the reason"
        log_failure(logger, logging.ERROR, handler, error, message, handler.name, kind.name, call_id=event.call_id)

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel a late handler without waiting for it: a caller is on the line."""
        self._late_tasks.add(task)
        task.add_done_callback(self._on_late_end)
        task.cancel()

    def _on_late_end(self, task: asyncio.Task[Any]) -> None:
        self._late_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("a late handler failed after its deadline", exc_info=error)


class AskPath:
    """Answers ask callbacks, and stores each with its reply."""

    def __init__(self, responder: Responder, journal: GroupCommit[NewCallback, Appended], metrics: Metrics) -> None:
        self._responder = responder
        self._journal = journal
        self._metrics = metrics

    async def answer(
        self, provider: Provider[Any], request: CallbackRequest, parsed: ParsedRequest, kind: Kind, began: int
    ) -> HttpReply:
        """The reply to a question; its row is in the journal's queue by then."""
        callback = parsed.callbacks[0]
        if callback.event is None:
            error = provider.fault_reply(callback.kind, callback.fault or Fault.PARSE, callback.reason)
            answer = Answer(error, "unparsed", callback.reason)
        else:
            answer = await self._responder.answer(provider, kind, callback.event, request.received_at)
        http_reply, answer = write_answer(provider, kind, answer, parsed.dialect)
        self._metrics.answered(provider.name, kind.name, (perf_counter_ns() - began) / 1e9)
        self._metrics.received(provider.name, kind.name, answer.outcome)
        if answer.cause:
            self._metrics.missed(provider.name, kind.name, answer.cause, answer.outcome)
        row = journal_row(
            provider,
            request,
            parsed,
            callback,
            http_reply,
            began,
            outcome=answer.outcome,
            reason=answer.reason,
            deduplicate=callback.event is None,
        )
        await self._store(row)
        return http_reply

    async def _store(self, row: NewCallback) -> None:
        """Submit the row; wait for its commit only if the journal is far behind, and not for long."""
        stored = asyncio.get_running_loop().create_future()

        def on_result(results: list[Appended] | StoreError) -> None:
            if isinstance(results, StoreError):
                logger.error("an answered %s could not be stored: %s", row.kind, results)
            if not stored.done():
                stored.set_result(None)

        try:
            self._journal.submit([row], on_result, beyond=RESERVED_FOR_ANSWERS)
        except StoreError as error:
            on_result(error)
        if self._journal.is_far_behind:
            await asyncio.wait({stored}, timeout=CATCH_UP_SECONDS)


def write_answer(provider: Provider[Any], kind: Kind, answer: Answer, dialect: Format) -> tuple[HttpReply, Answer]:
    """The bytes of an answer; the error reply in its place if it cannot be written."""
    try:
        return provider.write(answer.reply, dialect), answer
    except Exception as error:
        logger.exception("a reply to %s could not be written", kind.name)
        reason = f"the reply could not be written: {error}"
        answer = Answer(provider.error_reply(kind.name), "failed", reason, Cause.UNWRITABLE)
        return provider.write(answer.reply, dialect), answer


def _suggestion(provider: Provider[Any], event: Event) -> str:
    name = type(event).__name__
    return f"from receiver.providers.{provider.name} import {name}, then @handlers.answer({name}) above a function"
