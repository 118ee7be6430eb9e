"""Run the handlers of an event with all their retries, on a simulated clock."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from receiver.delivery.retry_policy import RetryPolicy
from receiver.plugins.call_history import CallHistory
from receiver.plugins.context import Context
from receiver.plugins.handlers import Drop, Handler, Handlers, RetryLater
from receiver.plugins.runner import Runner
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.testing.direct import client_of, matches


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a delivery."""

    number: int
    at: datetime
    """When it would have been made: the simulated time includes each back-off."""
    error: str = ""
    """What the handler raised; empty if it returned."""


@dataclass(frozen=True, slots=True)
class FinishedDelivery:
    """The result of a delivery to one handler."""

    handler: str
    state: str
    """done, dead or dropped, as in the journal."""
    attempts: tuple[Attempt, ...]


def deliver_until_finished(
    handlers: Handlers,
    subject: Event | CallRecord,
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    *,
    policy: RetryPolicy | None = None,
    received_at: datetime | None = None,
    history: CallHistory | None = None,
) -> list[FinishedDelivery]:
    """Deliver `subject` to each handler that listens, and retry as the receiver does, but without waiting.

    The clock begins at `received_at`, now by default, and advances by each back-off. Attempts have no time limit.
    `history` is `ctx.call` of handlers that ask for it; each attempt gets a copy of its state.
    """
    listening = [one for one in handlers if not one.answers and matches(one, subject, settings)]
    began = received_at or datetime.now(UTC)
    used = policy or RetryPolicy(jitter=0.0)
    known = history or CallHistory()

    async def run() -> list[FinishedDelivery]:
        runner = Runner(threads=1)
        async with client_of(http) as client:
            try:
                context = Context(settings=settings or {}, http=client, history=known)
                return [await _deliver(runner, one, subject, context, used, began) for one in listening]
            finally:
                runner.close()

    return asyncio.run(run())


async def _deliver(
    runner: Runner, handler: Handler, subject: Event | CallRecord, context: Context, policy: RetryPolicy, now: datetime
) -> FinishedDelivery:
    if handler.attempts is not None:
        policy = replace(policy, attempts=handler.attempts)
    history = CallHistory() if handler.history else None
    context = replace(context, delivery_id=f"test-{handler.name}", received_at=now, history=history)
    made: list[Attempt] = []
    while True:
        number = len(made) + 1
        pause = policy.pause_after(number, 0.0)
        try:
            await runner.run(handler, subject, replace(context, attempt=number, history=_history_of(handler, context)))
        except Drop as drop:
            return _finished(handler, "dropped", made, Attempt(number, now, str(drop)))
        except RetryLater as later:
            made.append(Attempt(number, now, str(later)))
            if pause is not None and later.after is not None:
                pause = later.after
        except Exception as error:
            made.append(Attempt(number, now, f"{type(error).__name__}: {error}"))
        else:
            return _finished(handler, "done", made, Attempt(number, now))
        if pause is None:
            return FinishedDelivery(handler.name, "dead", tuple(made))
        now += timedelta(seconds=pause)


def _history_of(handler: Handler, context: Context) -> CallHistory | None:
    """A copy for one attempt; None for a handler that does not ask for it."""
    return replace(context.call, state=deepcopy(context.call.state)) if handler.history else None


def _finished(handler: Handler, state: str, made: list[Attempt], last: Attempt) -> FinishedDelivery:
    return FinishedDelivery(handler.name, state, (*made, last))
