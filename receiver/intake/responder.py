"""Get the answer to a question from its handler, in time."""

import asyncio
import logging
import textwrap
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from typing import Any

import httpx

from receiver.errors import HandlerError
from receiver.intake.suggestion import no_handler, suggested_code
from receiver.plugins.call_history import LOAD_SECONDS, CallHistory, LoadHistory, encode_state
from receiver.plugins.context import Context
from receiver.plugins.failures import error_text, log_failure
from receiver.plugins.handlers import Handler
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.contract import Kind, Provider, Reply
from receiver.providers.base.event import Event

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 0.5
"""Between a handler's deadline and the provider's timeout: the reply has to travel back."""


def deadline_of(kind: Kind, usual: float) -> float:
    """Seconds that a handler has for a question: less than usual if the provider's timeout is shorter."""
    return usual if kind.patience is None else min(usual, kind.patience - MARGIN_SECONDS)


class Cause(StrEnum):
    """Why a question was not answered by its handler."""

    NONE = ""
    NO_HANDLER = "no_handler"
    RAISED = "raised"
    NONSENSE = "nonsense"
    """It returned something that is not a reply to this question."""
    LATE = "late"
    UNWRITABLE = "unwritable"
    """Its reply could not be written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question was answered, for the journal: the outcome, and the reason if it is not the handler's reply."""

    reply: Reply
    outcome: str
    reason: str = ""
    cause: Cause = Cause.NONE
    handler: str | None = None
    """The handler that was asked."""
    call_state: bytes | None = None
    """The state of the call, if the handler changed it."""


class _NoReplyError(Exception):
    """The handler gave no usable reply."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


class Responder:
    """Gets the reply to a question from its handler. `load_history` is for handlers with `history=True`."""

    def __init__(
        self,
        registry: Registry,
        runner: Runner,
        *,
        http: httpx.AsyncClient,
        load_history: LoadHistory,
        apis: ApiClients | None = None,
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._http = http
        self._apis = apis or ApiClients()
        self._load_history = load_history
        self._unanswered: Counter[str] = Counter()
        self._late_tasks: set[asyncio.Task[Any]] = set()
        registry.on_replace(self._unanswered.clear)

    @property
    def uses_history(self) -> bool:
        """Whether any handler has `history=True`."""
        return self._registry.answers_with_history

    def deadline(self, kind: Kind) -> float:
        """Seconds that a handler has for a question of this kind."""
        return deadline_of(kind, self._registry.defaults.deadline)

    async def answer(
        self, provider: Provider[Any], kind: Kind, event: Event, received_at: datetime, *, before: int | None = None
    ) -> Answer:
        """The answer to a question, in time; never raises.

        `before` is the number of a stored question that is answered again: its handler gets the history of that time.
        """
        handler = None
        try:
            handler = self._registry.answerer(event)
            if handler is None:
                self._note_unanswered(provider, kind)
                raise _NoReplyError(Cause.NO_HANDLER, no_handler(kind.name))
            return await self._ask_handler(handler, provider, kind, event, received_at, before)
        except _NoReplyError as missing:
            cause, reason = missing.cause, str(missing)
        except Exception as error:
            self._log(handler, kind, event, error)
            cause, reason = Cause.RAISED, error_text(error)
        name = None if handler is None else handler.name
        fallback = provider.fallback(event)
        if fallback is not None:
            return Answer(fallback, "fallback", reason, cause, name)
        return Answer(provider.error_reply(kind.name), "failed", reason, cause, name)

    async def _ask_handler(
        self,
        handler: Handler,
        provider: Provider[Any],
        kind: Kind,
        event: Event,
        received_at: datetime,
        before: int | None,
    ) -> Answer:
        """The handler's answer. Raises what the handler raises, and _NoReplyError where it gave no usable reply."""
        context = Context(
            provider=provider.name,
            received_at=received_at,
            settings=handler.settings,
            http=self._http,
            apis=self._apis,
        )
        seconds = self.deadline(kind)
        if not handler.history:
            reply = await self._reply_of(handler, kind, event, context, seconds)
            return Answer(reply, "answered", handler=handler.name)
        began = perf_counter()
        history = await self._load_history(
            provider, event.call_id, received_at, before=before, seconds=min(LOAD_SECONDS, seconds / 2)
        )
        before_it = encode_state(history)
        left = seconds - (perf_counter() - began)
        reply = await self._reply_of(handler, kind, event, replace(context, history=history), left)
        state = _changed_state(handler, event, history, before_it)
        return Answer(reply, "answered", handler=handler.name, call_state=state)

    async def _reply_of(self, handler: Handler, kind: Kind, event: Event, context: Context, seconds: float) -> Reply:
        """The handler's reply. Raises as `_ask_handler` does."""
        task = asyncio.create_task(self._runner.run(handler, event, context))
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            self._abandon(task)
            late = f"{self.deadline(kind):g} s"
            logger.warning("%s is late: no reply within %s", handler.name, late, extra={"call_id": event.call_id})
            raise _NoReplyError(Cause.LATE, f"{handler.name} gave no reply within {late}")
        reply: object = task.result()
        if not isinstance(reply, kind.replies):
            allowed = ", ".join(reply_type.__name__ for reply_type in kind.replies)
            logger.error("%s returned %s; it must return one of %s", handler.name, type(reply).__name__, allowed)
            nonsense = f"{handler.name} returned {type(reply).__name__}, which is none of {allowed}"
            raise _NoReplyError(Cause.NONSENSE, nonsense)
        return reply

    def _note_unanswered(self, provider: Provider[Any], kind: Kind) -> None:
        """Log the code that would answer it, once for each kind; afterwards log the count, at growing intervals."""
        name = f"{provider.name} {kind.name}"
        self._unanswered[name] += 1
        count = self._unanswered[name]
        if count == 1:
            others = ", ".join(handler.name for handler in self._registry.answerers(kind.event))
            unmatched = f" The filters of {others} did not match." if others else ""
            code = textwrap.indent(suggested_code(provider, kind), "    ")
            logger.warning("%s.%s To answer it, add to a handler module:\n\n%s", no_handler(kind.name), unmatched, code)
        elif str(count).strip("0") == "1":
            logger.warning("%s, %d times by now", no_handler(kind.name), count)

    @staticmethod
    def _log(handler: Handler | None, kind: Kind, event: Event, error: Exception) -> None:
        if handler is None:
            logger.error("finding the handler of a %s failed", kind.name, exc_info=error)
            return
        message = "%s failed to answer a %s: `receiver callbacks list` has the reason"
        log_failure(logger, logging.ERROR, handler, error, message, handler.name, kind.name, call_id=event.call_id)

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel a late handler without waiting for it: a caller is waiting."""
        self._late_tasks.add(task)
        task.add_done_callback(self._on_late_end)
        task.cancel()

    def _on_late_end(self, task: asyncio.Task[Any]) -> None:
        self._late_tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("a late handler failed after its deadline", exc_info=error)


def _changed_state(handler: Handler, event: Event, history: CallHistory, before: bytes) -> bytes | None:
    """The state of the call as JSON if the handler changed it; None if it did not, or if it cannot be stored."""
    try:
        state = encode_state(history)
        if state == before:
            return None
        if not event.call_id:
            raise HandlerError("ctx.call.state is kept by the id of the call, and this question has none")
    except HandlerError as error:
        message = "the state that %s left in ctx.call is not stored: %s"
        log_failure(logger, logging.ERROR, handler, None, message, handler.name, error, call_id=event.call_id)
        return None
    return state
