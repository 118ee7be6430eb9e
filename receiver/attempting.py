"""One attempt at a delivery: the handler with its event, under its time limit, and what is made of how that ended."""

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from receiver.errors import PayloadError
from receiver.plugins.context import Context
from receiver.plugins.handlers import Drop, Handler, RetryLater
from receiver.plugins.running import Runner
from receiver.providers.contract import Provider
from receiver.providers.event import Event
from receiver.providers.records import CallRecord
from receiver.reading import read_again
from storage import Claim, State, StoredCallback
from storage.retry import RetryPolicy

logger = logging.getLogger(__name__)

LeftBehind = Callable[[Handler, asyncio.Task[Any]], None]
"""Told of a function that was given up and has not ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: what the delivery is now, what the attempt counts as, and in how many seconds it is due."""

    state: State
    result: str
    error: str = ""
    traceback: str = ""
    retry_in: float = 0.0


class _LateError(Exception):
    """A handler did not end within its time limit; unlike a TimeoutError of its own."""


class Attempting:
    """Makes attempts. `timeout` is how many seconds one has, where the handler does not say."""

    def __init__(
        self,
        providers: Mapping[str, Provider[Any]],
        runner: Runner,
        *,
        http: httpx.AsyncClient,
        handler_settings: Mapping[str, Mapping[str, Any]],
        policy: RetryPolicy,
        timeout: float,
        luck: Callable[[], float] = random.random,
    ) -> None:
        self._providers = providers
        self._runner = runner
        self._http = http
        self._handler_settings = handler_settings
        self._policy = policy
        self._usual_timeout = timeout
        self._luck = luck

    async def attempt(self, handler: Handler, claim: Claim, event: Event | None, left_behind: LeftBehind) -> Outcome:
        """Run the handler and say how that ended; raises CancelledError alone. Without an event it is read again."""
        if claim.attempt - claim.forgiven > self._policy_of(handler).attempts:
            return Outcome(State.DEAD, "lost", "its worker vanished at every attempt: the handler may be what ends it")
        try:
            subject = self._subject(handler, claim.callback, event)
            if handler.matches(subject):
                await self._run(handler, subject, self._context(handler, claim), left_behind)
        except Drop as drop:
            return Outcome(State.DROPPED, "dropped", str(drop))
        except PayloadError as error:
            return Outcome(State.DEAD, "failed", str(error))
        except RetryLater as later:
            return self._again(handler, claim, "retry", str(later), after=later.after)
        except _LateError:
            reason = f"{handler.name} did not finish within {self._timeout(handler):g} s"
            return self._again(handler, claim, "late", reason)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            return self._again(handler, claim, "failed", f"{type(error).__name__}: {error}", trace)
        return Outcome(State.DONE, "done")

    def _again(
        self,
        handler: Handler,
        claim: Claim,
        result: str,
        error: str,
        trace: str = "",
        *,
        after: float | None = None,
    ) -> Outcome:
        """Due again after a pause, or dead after the last attempt."""
        pause = self._policy_of(handler).pause_after(claim.attempt - claim.forgiven, self._luck())
        log = logger.error if pause is None else logger.warning
        given_up = "; given up" if pause is None else ""
        log(
            "%s %s%s: `receiver deliveries show %d` has the details",
            handler.name,
            result,
            given_up,
            claim.delivery_id,
            extra={
                "call_id": claim.callback.call_id,
                "callback": claim.callback.id,
                "delivery": claim.delivery_id,
                "handler": handler.name,
                "attempt": claim.attempt,
            },
        )
        if pause is None:
            return Outcome(State.DEAD, result, error, trace)
        return Outcome(State.DUE, result, error, trace, pause if after is None else max(0.0, after))

    def _policy_of(self, handler: Handler) -> RetryPolicy:
        return self._policy if handler.attempts is None else replace(self._policy, attempts=handler.attempts)

    def _subject(self, handler: Handler, callback: StoredCallback, event: Event | None) -> Event | CallRecord:
        """The event as it came in, else read again from the stored bytes; or its record. Raises PayloadError."""
        provider = self._providers.get(callback.provider)
        if provider is None:
            raise PayloadError(f"there is no provider {callback.provider!r} any more")
        item = event or read_again(provider, callback)
        subject = provider.record(item) if handler.subject is CallRecord else item
        if subject is None:
            raise PayloadError(f"callback {callback.id} has no call record any more")
        return subject

    def _context(self, handler: Handler, claim: Claim) -> Context:
        return Context(
            provider=claim.callback.provider,
            callback_id=claim.callback.id,
            delivery_id=str(claim.delivery_id),
            attempt=claim.attempt,
            received_at=claim.callback.received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
        )

    def _timeout(self, handler: Handler) -> float:
        return self._usual_timeout if handler.timeout is None else handler.timeout

    async def _run(
        self, handler: Handler, subject: Event | CallRecord, context: Context, left_behind: LeftBehind
    ) -> None:
        """Run the function under its time limit. Raises _LateError, and whatever it raises."""
        task = asyncio.create_task(self._runner.run(handler, subject, context))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout(handler))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            task.result()
            return
        left_behind(handler, task)
        raise _LateError
