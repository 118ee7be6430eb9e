"""Answering a question while somebody is on the line: the handler's reply in time, or else the fallback."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import httpx

from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler
from receiver.plugins.loading import Registry
from receiver.plugins.running import Runner
from receiver.providers.contract import HttpReply, Kind, Provider, Reply
from receiver.providers.event import Event
from receiver.wire import Format

logger = logging.getLogger(__name__)

MARGIN_SECONDS = 0.5
"""Kept free between our deadline and the end of a provider's patience, for the way back."""


class Cause(StrEnum):
    """Why a question was not answered by its handler."""

    NONE = ""
    NO_HANDLER = "no_handler"
    RAISED = "raised"
    NONSENSE = "nonsense"
    """It returned what is no reply to this question."""
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


class _MissedError(Exception):
    """A question is left without its handler's reply."""

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause


class Answering:
    """Asks the handlers. `deadline` is how many seconds one has; less where the provider is less patient."""

    def __init__(
        self,
        registry: Registry,
        runner: Runner,
        *,
        deadline: float,
        http: httpx.AsyncClient,
        handler_settings: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._deadline = deadline
        self._http = http
        self._handler_settings = handler_settings
        self._unfinished: set[asyncio.Task[Any]] = set()

    async def answer(self, provider: Provider[Any], kind: Kind, event: Event, received_at: datetime) -> Answer:
        """The answer to a question, in time; never raises."""
        handler = None
        try:
            handler = self._registry.answerer(event)
            if handler is None:
                logger.warning("no handler answers this %s. To answer it: %s", kind.name, _suggestion(provider, event))
                raise _MissedError(Cause.NO_HANDLER, f"no handler answers this {kind.name}")
            return Answer(await self._ask_handler(handler, kind, event, received_at, provider.name), "answered")
        except _MissedError as missed:
            cause, reason = missed.cause, str(missed)
        except Exception as error:
            ids = {"call_id": event.call_id, "handler": handler.name if handler else ""}
            logger.error(
                "the handler of a %s failed: `receiver callbacks list` has the reason",
                kind.name,
                exc_info=error,
                extra=ids,
            )
            cause, reason = Cause.RAISED, f"{type(error).__name__}: {error}"
        fallback = provider.fallback(event)
        if fallback is not None:
            return Answer(fallback, "fallback", reason, cause)
        return Answer(provider.last_resort(kind.name), "failed", reason, cause)

    async def _ask_handler(
        self, handler: Handler, kind: Kind, event: Event, received_at: datetime, provider: str
    ) -> Reply:
        """The handler's reply. Raises what the handler raises, and _MissedError where it gave no reply that counts."""
        context = Context(
            provider=provider,
            received_at=received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
        )
        deadline = self._deadline if kind.patience is None else min(self._deadline, kind.patience - MARGIN_SECONDS)
        task = asyncio.create_task(self._runner.run(handler, event, context))
        done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            self._abandon(task)
            logger.warning("%s is late: no reply within %g s", handler.name, deadline, extra={"call_id": event.call_id})
            raise _MissedError(Cause.LATE, f"{handler.name} gave no reply within {deadline:g} s")
        reply: object = task.result()
        if not isinstance(reply, kind.replies):
            allowed = ", ".join(reply_type.__name__ for reply_type in kind.replies)
            logger.error("%s returned %s; it must return one of %s", handler.name, type(reply).__name__, allowed)
            nonsense = f"{handler.name} returned {type(reply).__name__}, which is none of {allowed}"
            raise _MissedError(Cause.NONSENSE, nonsense)
        return reply

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        """Cancel a late handler without waiting for it: a caller is on the line."""
        self._unfinished.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("a late handler failed after its caller was gone", exc_info=error)


def write_answer(provider: Provider[Any], kind: Kind, answer: Answer, dialect: Format) -> tuple[HttpReply, Answer]:
    """The bytes of an answer; the error reply in its place if it cannot be written."""
    try:
        return provider.write(answer.reply, dialect), answer
    except Exception as error:
        logger.exception("a reply to %s could not be written", kind.name)
        reason = f"the reply could not be written: {error}"
        answer = Answer(provider.last_resort(kind.name), "failed", reason, Cause.UNWRITABLE)
        return provider.write(answer.reply, dialect), answer


def _suggestion(provider: Provider[Any], event: Event) -> str:
    name = type(event).__name__
    return f"from receiver.providers.{provider.name} import {name}, then @handlers.answer({name}) above a function"
