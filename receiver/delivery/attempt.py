"""One attempt of a delivery: run the handler under its time limit, and turn its outcome into a result."""

import asyncio
import logging
import random
import traceback
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx

from receiver.delivery.retry_policy import RetryPolicy
from receiver.errors import PayloadError
from receiver.plugins.call_history import LoadHistory
from receiver.plugins.context import Context
from receiver.plugins.failures import log_failure
from receiver.plugins.handlers import Drop, Handler, RetryLater
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects
from storage import Claim, State, StoredCallback

logger = logging.getLogger(__name__)

OnAbandoned = Callable[[Handler, asyncio.Task[Any]], None]
"""Called with a function that exceeded its time limit and still runs."""
Reread = Callable[[Provider[Any], StoredCallback], Event]
"""Parses a stored callback again and returns its event; raises PayloadError."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: the delivery's new state, the attempt's result, and in how many seconds a retry is due."""

    state: State
    result: str
    error: str = ""
    traceback: str = ""
    retry_in: float = 0.0


class _LateError(Exception):
    """A handler did not end within its time limit; distinct from a TimeoutError that it raises."""


class AttemptRunner:
    """Makes attempts. `load_history` is for handlers with `history=True`.

    `random` returns a number from 0 to 1, for the jitter of the back-off; with `retries_at_once` there is no back-off.
    """

    def __init__(
        self,
        registry: Registry,
        runner: Runner,
        *,
        http: httpx.AsyncClient,
        reread: Reread,
        load_history: LoadHistory,
        retries_at_once: bool = False,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._http = http
        self._reread = reread
        self._load_history = load_history
        self._retries_at_once = retries_at_once
        self._random = random

    async def attempt(
        self, handler: Handler, claim: Claim, subjects: Subjects | None, on_abandoned: OnAbandoned
    ) -> AttemptResult:
        """Run the handler and return the result; raises CancelledError alone.

        Without `subjects` the callback is read again from its stored bytes.
        """
        if claim.attempt - claim.uncounted_attempts > self._policy_of(handler).attempts:
            reason = "its worker crashed at every attempt: the handler may be the cause"
            return self._dead(handler, claim, "lost", reason)
        try:
            subject = self._subject(handler, claim.callback, subjects)
            if handler.matches(subject):
                context = self._context(handler, claim)
                if handler.history:
                    await self._run_with_history(handler, claim.callback, subject, context, on_abandoned)
                else:
                    await self._run(handler, subject, context, on_abandoned)
        except Drop as drop:
            return AttemptResult(State.DROPPED, "dropped", str(drop))
        except PayloadError as error:
            return self._dead(handler, claim, "failed", str(error), error)
        except RetryLater as later:
            return self._retry(handler, claim, "retry", str(later), after=later.after, exception=later)
        except _LateError:
            reason = f"{handler.name} did not finish within {self._timeout(handler):g} s"
            return self._retry(handler, claim, "late", reason)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            return self._retry(handler, claim, "failed", f"{type(error).__name__}: {error}", trace, exception=error)
        return AttemptResult(State.DONE, "done")

    def _retry(
        self,
        handler: Handler,
        claim: Claim,
        result: str,
        error: str,
        trace: str = "",
        *,
        after: float | None = None,
        exception: Exception | None = None,
    ) -> AttemptResult:
        """Due again after a back-off, or dead after the last attempt."""
        pause = self._policy_of(handler).pause_after(claim.attempt - claim.uncounted_attempts, self._random())
        self._log(handler, claim, result, exception, gives_up=pause is None)
        if pause is None:
            return AttemptResult(State.DEAD, result, error, trace)
        if after is not None:
            pause = self._policy_of(handler).requested_pause(after)
        return AttemptResult(State.DUE, result, error, trace, pause)

    def _dead(
        self, handler: Handler, claim: Claim, result: str, error: str, exception: Exception | None = None
    ) -> AttemptResult:
        """Dead at once: another attempt would end the same way."""
        self._log(handler, claim, result, exception, gives_up=True)
        return AttemptResult(State.DEAD, result, error)

    @staticmethod
    def _log(handler: Handler, claim: Claim, result: str, exception: Exception | None, *, gives_up: bool) -> None:
        log_failure(
            logger,
            logging.ERROR if gives_up else logging.WARNING,
            handler,
            exception,
            "%s %s%s: `receiver deliveries show %d` has the details",
            handler.name,
            result,
            "; gave up" if gives_up else "",
            claim.delivery_id,
            call_id=claim.callback.call_id,
            callback=claim.callback.id,
            delivery=claim.delivery_id,
            attempt=claim.attempt,
        )

    def _policy_of(self, handler: Handler) -> RetryPolicy:
        usual = self._registry.defaults
        attempts = usual.attempts if handler.attempts is None else handler.attempts
        return RetryPolicy(
            attempts,
            usual.retry_first_pause,
            ceiling=usual.retry_longest_pause,
            is_immediate=self._retries_at_once,
        )

    def _subject(self, handler: Handler, callback: StoredCallback, subjects: Subjects | None) -> Event | CallRecord:
        """What the handler gets: as received, else parsed again from the stored bytes. Raises PayloadError."""
        provider = self._registry.providers.get(callback.provider)
        if provider is None:
            raise PayloadError(f"there is no provider {callback.provider!r} any more")
        subject = self._carried(handler, subjects)
        if subject is None:
            subject = Subjects(provider, partial(self._reread, provider, callback)).of(handler.subject)
        if subject is None:
            raise PayloadError(f"callback {callback.id} has no call record any more")
        return subject

    @staticmethod
    def _carried(handler: Handler, subjects: Subjects | None) -> Event | CallRecord | None:
        """What was received, if it is still in memory; None if not, or if a fault of ours prevents making it."""
        try:
            return None if subjects is None else subjects.of(handler.subject)
        except Exception:
            logger.exception("an event could not be made; its callback is parsed again")
            return None

    def _context(self, handler: Handler, claim: Claim) -> Context:
        return Context(
            provider=claim.callback.provider,
            callback_id=claim.callback.id,
            delivery_id=str(claim.delivery_id),
            attempt=claim.attempt,
            received_at=claim.callback.received_at,
            settings=handler.settings,
            http=self._http,
        )

    def _timeout(self, handler: Handler) -> float:
        return self._registry.defaults.handler_timeout if handler.timeout is None else handler.timeout

    async def _run_with_history(
        self,
        handler: Handler,
        callback: StoredCallback,
        subject: Event | CallRecord,
        context: Context,
        on_abandoned: OnAbandoned,
    ) -> None:
        """As `_run`, with the history of the call before this callback. Changes of its state are not stored."""
        history = await self._load_history(
            self._registry.providers[callback.provider], callback.call_id, callback.received_at, before=callback.id
        )
        before = deepcopy(history.state)
        await self._run(handler, subject, replace(context, history=history), on_abandoned)
        if history.state != before:
            message = "%s changed ctx.call.state, which is not stored: only handlers that answer keep a state"
            log_failure(logger, logging.WARNING, handler, None, message, handler.name, call_id=callback.call_id)

    async def _run(
        self, handler: Handler, subject: Event | CallRecord, context: Context, on_abandoned: OnAbandoned
    ) -> None:
        """Run the function under its time limit. Raises _LateError, and what the function raises."""
        task = asyncio.create_task(self._runner.run(handler, subject, context))
        try:
            done, _ = await asyncio.wait({task}, timeout=self._timeout(handler))
        except asyncio.CancelledError:
            task.cancel()
            raise
        if done:
            task.result()
            return
        on_abandoned(handler, task)
        raise _LateError
