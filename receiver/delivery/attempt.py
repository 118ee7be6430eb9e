"""One attempt at a delivery: the handler runs under its time limit, and its end becomes a result."""

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx

from receiver.delivery.retry_policy import RetryPolicy
from receiver.errors import PayloadError
from receiver.plugins.context import Context
from receiver.plugins.failures import log_failure
from receiver.plugins.handlers import Drop, Handler, RetryLater
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects
from storage import Claim, State, StoredCallback

logger = logging.getLogger(__name__)

OnAbandoned = Callable[[Handler, asyncio.Task[Any]], None]
"""Called with a function that exceeded its time limit and still runs."""
Reread = Callable[[Provider[Any], StoredCallback], Event]
"""Reads the event of a stored callback again; raises PayloadError."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended: the delivery's new state, what the attempt counts as, and in how many seconds it is due."""

    state: State
    result: str
    error: str = ""
    traceback: str = ""
    retry_in: float = 0.0


class _LateError(Exception):
    """A handler did not end within its time limit; unlike a TimeoutError of its own."""


class AttemptRunner:
    """Makes attempts. `timeout` is how many seconds one has, where the handler does not say.

    `random` returns a number from 0 to 1, for the jitter of retries.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider[Any]],
        runner: Runner,
        *,
        http: httpx.AsyncClient,
        apis: ApiClients | None = None,
        handler_settings: Mapping[str, Mapping[str, Any]],
        policy: RetryPolicy,
        timeout: float,
        reread: Reread,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._providers = providers
        self._runner = runner
        self._http = http
        self._apis = apis or ApiClients()
        self._handler_settings = handler_settings
        self._policy = policy
        self._usual_timeout = timeout
        self._random = random
        self._reread = reread

    async def attempt(
        self, handler: Handler, claim: Claim, subjects: Subjects | None, on_abandoned: OnAbandoned
    ) -> AttemptResult:
        """Run the handler and return the result; raises CancelledError alone.

        Without `subjects` the callback is read again from its stored bytes.
        """
        if claim.attempt - claim.uncounted_attempts > self._policy_of(handler).attempts:
            return AttemptResult(
                State.DEAD, "lost", "its worker vanished at every attempt: the handler may be what ends it"
            )
        try:
            subject = self._subject(handler, claim.callback, subjects)
            if handler.matches(subject):
                await self._run(handler, subject, self._context(handler, claim), on_abandoned)
        except Drop as drop:
            return AttemptResult(State.DROPPED, "dropped", str(drop))
        except PayloadError as error:
            return AttemptResult(State.DEAD, "failed", str(error))
        except RetryLater as later:
            return self._retry(handler, claim, "retry", str(later), after=later.after)
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
        """Due again after a pause, or dead after the last attempt."""
        pause = self._policy_of(handler).pause_after(claim.attempt - claim.uncounted_attempts, self._random())
        log_failure(
            logger,
            logging.ERROR if pause is None else logging.WARNING,
            handler,
            exception,
            "%s %s%s: `receiver deliveries show %d` has the details",
            handler.name,
            result,
            "; gave up" if pause is None else "",
            claim.delivery_id,
            call_id=claim.callback.call_id,
            callback=claim.callback.id,
            delivery=claim.delivery_id,
            attempt=claim.attempt,
        )
        if pause is None:
            return AttemptResult(State.DEAD, result, error, trace)
        if after is not None:
            pause = self._policy.requested_pause(after)
        return AttemptResult(State.DUE, result, error, trace, pause)

    def _policy_of(self, handler: Handler) -> RetryPolicy:
        return self._policy if handler.attempts is None else replace(self._policy, attempts=handler.attempts)

    def _subject(self, handler: Handler, callback: StoredCallback, subjects: Subjects | None) -> Event | CallRecord:
        """What the handler gets: as it came in, else read again from the stored bytes. Raises PayloadError."""
        provider = self._providers.get(callback.provider)
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
        """What came in with the callback; None if there is none, or if a fault of ours keeps it from being made."""
        try:
            return None if subjects is None else subjects.of(handler.subject)
        except Exception:
            logger.exception("an event could not be made; it is read again")
            return None

    def _context(self, handler: Handler, claim: Claim) -> Context:
        return Context(
            provider=claim.callback.provider,
            callback_id=claim.callback.id,
            delivery_id=str(claim.delivery_id),
            attempt=claim.attempt,
            received_at=claim.callback.received_at,
            settings=self._handler_settings.get(handler.module, {}),
            http=self._http,
            apis=self._apis,
        )

    def _timeout(self, handler: Handler) -> float:
        return self._usual_timeout if handler.timeout is None else handler.timeout

    async def _run(
        self, handler: Handler, subject: Event | CallRecord, context: Context, on_abandoned: OnAbandoned
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
        on_abandoned(handler, task)
        raise _LateError
