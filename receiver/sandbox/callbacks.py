"""Sending callbacks to the receiver, and losing, repeating, delaying and reordering them on purpose."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from random import Random

import httpx

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.sandbox import PlacedCall, SentCallback
from receiver.providers.base.simulation import OutgoingRequest
from receiver.sandbox.settings import CallbackFaults
from receiver.simulator import HttpSender

logger = logging.getLogger(__name__)

FAULTS = ("drop", "repeat", "late", "reorder")
"""What can become of a report, beside being sent."""
MAX_AT_ONCE = 50
"""Requests to the receiver at one time; the HTTP client takes long to find a connection for many that wait."""
_WORDS = {"drop": "dropped", "repeat": "repeated", "late": "late", "reorder": "reordered", "": "sent"}


def fault_of(faults: CallbackFaults, seed: int, call: int, index: int) -> str:
    """What becomes of a report: one of FAULTS, or empty. It depends on nothing but the arguments.

    `call` is the number of the call, `index` that of the report within it. One number is drawn for each fault, so
    that one rate has no influence on another but that the first one in FAULTS counts.
    """
    random = Random(f"{seed}/{call}/{index}")  # noqa: S311 - repeatable on purpose
    drawn = [(name, random.random()) for name in FAULTS]
    return next((name for name, number in drawn if number < getattr(faults, name)), "")


@dataclass(slots=True)
class _Held:
    """A report that waits for another one to overtake it."""

    deliver: Callable[[], Awaitable[object]]
    is_sent: bool = False

    async def send(self) -> None:
        if not self.is_sent:
            self.is_sent = True
            await self.deliver()


class CallbackSender:
    """Sends what calls report and ask. `base_of` is where a call's callbacks go; empty where they go nowhere."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_of: Callable[[PlacedCall], str],
        *,
        seed: int,
        sleep: Callable[[float], Awaitable[None]],
        in_background: Callable[[Awaitable[None]], None],
    ) -> None:
        self.faults = CallbackFaults()
        self._client = client
        self._base_of = base_of
        self._seed = seed
        self._sleep = sleep
        self._in_background = in_background
        self._held: list[_Held] = []
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._last_problem = ""

    async def send(self, placed: PlacedCall, request: OutgoingRequest) -> HttpReply | None:
        """The reply; None where none came, or none is waited for."""
        index = len(placed.callbacks)
        base = self._base_of(placed)
        fault = "" if request.asks else placed.plan.callbacks or fault_of(self.faults, self._seed, placed.number, index)
        placed.callbacks.append(SentCallback(request.kind, _WORDS[fault] if base else "kept"))
        if not base or fault == "drop":
            return None
        return await self._with_fault(fault, placed, request, index)

    async def _with_fault(
        self, fault: str, placed: PlacedCall, request: OutgoingRequest, index: int
    ) -> HttpReply | None:
        async def deliver() -> HttpReply | None:
            return await self._deliver(placed, request, index)

        if fault == "late":
            self._in_background(self._later(deliver))
            return None
        if fault == "reorder":
            held = _Held(deliver)
            self._held.append(held)
            self._in_background(self._later(held.send))
            return None
        reply = await deliver()
        if fault == "repeat":
            await deliver()
        await self._release()
        return reply

    async def _later(self, deliver: Callable[[], Awaitable[object]]) -> None:
        await self._sleep(self.faults.late_seconds)
        await deliver()

    async def _release(self) -> None:
        """Send what has been overtaken now."""
        held, self._held = self._held, []
        for one in held:
            await one.send()

    async def _deliver(self, placed: PlacedCall, request: OutgoingRequest, index: int) -> HttpReply | None:
        reply = await self._post(placed, request)
        for _ in range(0 if request.asks else self.faults.retries):
            if reply is not None and reply.status == httpx.codes.OK:
                break
            await self._sleep(self.faults.retry_seconds)
            reply = await self._post(placed, request)
        self._say_what_is_wrong(reply)
        placed.callbacks[index] = _after(placed.callbacks[index], reply)
        return reply

    def _say_what_is_wrong(self, reply: HttpReply | None) -> None:
        """Log why callbacks are lost that should not be; once, until it changes."""
        problem = ""
        if reply is None:
            problem = (
                "the receiver does not answer, so callbacks are lost: is it started, and is --receiver its address?"
            )
        elif reply.status != httpx.codes.OK:
            problem = f"the receiver refuses callbacks with HTTP status {reply.status}: --receiver is its address"
            problem += " without a provider's path, and with its secret if it has one"
        if problem and problem != self._last_problem:
            logger.warning(problem)
        self._last_problem = problem

    async def _post(self, placed: PlacedCall, request: OutgoingRequest) -> HttpReply | None:
        try:
            async with self._places:
                return await HttpSender(self._client, self._base_of(placed))(request)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            return None  # the call goes on: a provider does not stop because a receiver is away


def _after(sent: SentCallback, reply: HttpReply | None) -> SentCallback:
    """What became of a callback, with what the receiver said to it."""
    if reply is None:
        return replace(sent, result="undelivered")
    return replace(sent, status=reply.status, result=sent.result if reply.status == httpx.codes.OK else "refused")
