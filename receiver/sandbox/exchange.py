"""The telephone exchange: calls that go on beside the requests, on a clock that can be sped up."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

import httpx

from receiver.errors import ReceiverError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.sandbox import CallClock, CallPlan, PlacedCall
from receiver.providers.base.simulation import (
    KEYS,
    Callee,
    CalleeOutcome,
    CallState,
    OutgoingRequest,
    SimulatedCall,
)
from receiver.sandbox.callbacks import CallbackSender
from receiver.sandbox.settings import SandboxSettings
from receiver.simulator import CALLEE_ACTIONS, Player, VirtualClock, action_word

MAGIC_ENDINGS: Mapping[str, CalleeOutcome] = {
    "9901": CalleeOutcome.BUSY,
    "9902": CalleeOutcome.NO_ANSWER,
    "9903": CalleeOutcome.REJECTED,
    "9904": CalleeOutcome.UNAVAILABLE,
    "9905": CalleeOutcome.INVALID_NUMBER,
}
"""How a phone behaves whose number ends so, unless the settings say otherwise."""
KEY_SECONDS = 1.0
"""Between two keys."""
MAX_ACTIONS = 500
"""Of one call; one that takes more hangs up."""
NO_ANSWER_SECONDS = 60.0
"""How long a phone rings that is not answered: the provider's dial time ends it before."""


class TelephoneExchange:
    """Places calls, and keeps all of them. `callback_urls` is where each provider's callbacks go.

    Each call has a clock of its own, which begins at the time of day and runs at `speed`: so calls begin when they
    were asked for, and last as long as they say.
    """

    def __init__(self, settings: SandboxSettings, client: httpx.AsyncClient, callback_urls: Mapping[str, str]) -> None:
        self.settings = settings
        self.calls: list[PlacedCall] = []
        """Every call, in the order in which they were placed."""
        self._urls = callback_urls
        self._tasks: set[asyncio.Future[None]] = set()
        self._run = f"{datetime.now(UTC):%Y%m%d%H%M%S}{Random().randrange(16**6):06x}"  # noqa: S311 - no secret
        self._ids = 0
        self.sender = CallbackSender(
            client, self._base_of, seed=settings.seed, sleep=self.sleep, in_background=self.in_background
        )
        self.sender.faults = settings.callbacks

    @property
    def speed(self) -> float:
        """How many seconds of a call pass in one real second."""
        return self.settings.speed

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(UTC)

    def new_call_id(self) -> str:
        """A call id of 32 characters: the run of the sandbox, and a number."""
        self._ids += 1
        return f"{self._run}{self._ids:012x}"

    def call_clock(self) -> CallClock:
        """The clock of a call that begins now."""
        return VirtualClock(self.now())

    def callee(self, number: str) -> Callee:
        """How the phone with that number behaves: by the settings, else by the end of its number."""
        known = self.settings.numbers.get(number)
        outcome = known.outcome if known else MAGIC_ENDINGS.get(number[-4:], CalleeOutcome.ANSWERED)
        ring, talk = self.settings.ring_seconds, self.settings.talk_seconds
        if outcome is CalleeOutcome.NO_ANSWER:
            ring = NO_ANSWER_SECONDS
        if known and known.ring_seconds is not None:
            ring = known.ring_seconds
        if known and known.talk_seconds is not None:
            talk = known.talk_seconds
        return Callee(outcome, ring, talk)

    def place(self, call: SimulatedCall, plan: CallPlan) -> PlacedCall:
        """Begin a call. It goes on by itself, and posts its callbacks."""
        placed = PlacedCall(len(self.calls) + 1, call, plan, call.setup.now())
        self.calls.append(placed)
        self.in_background(_LiveCall(placed, self, self.sender).run())
        return placed

    def live(self, provider: str) -> list[PlacedCall]:
        """The calls of a provider that have not ended."""
        return [placed for placed in self.calls if placed.plan.provider == provider and placed.is_live]

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of calls."""
        await asyncio.sleep(seconds / self.speed)

    def in_background(self, work: Awaitable[None]) -> None:
        """Run something beside the requests. The sandbox counts as busy until it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def idle(self, seconds: float) -> bool:
        """Wait until no call is live and nothing is still to be sent; False if that takes longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        return not self._tasks

    async def close(self) -> None:
        """Drop everything that still goes on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _base_of(self, placed: PlacedCall) -> str:
        return placed.plan.url or self._urls.get(placed.plan.provider, "")


class _LiveCall:
    """Takes a placed call through what its caller does."""

    def __init__(self, placed: PlacedCall, exchange: TelephoneExchange, sender: CallbackSender) -> None:
        self._placed = placed
        self._exchange = exchange
        self._sender = sender
        self._clock = placed.plan.clock
        self._keys = deque(placed.plan.keys)
        self._was_silent = False
        self._lost: set[int] = set()
        self._problem = ""
        self._player = Player(placed.call, self._send, self._clock)

    async def run(self) -> None:
        """Play the call to its end."""
        try:
            await self._player.start()
            for _ in range(MAX_ACTIONS):
                if self._placed.call.has_ended:
                    break
                await self._step()
            else:
                await self._player.do("hangup")
        except ReceiverError as error:  # such as replies that form a loop
            self._problem = str(error)
        finally:
            self._placed.faults = tuple(self._faults())
            self._placed.ended.set()

    async def _step(self) -> None:
        call = self._placed.call
        self._note_answer()
        if call.state is CallState.DIALING and (number := _rung(call)):
            call.set_callee(self._exchange.callee(number))
        action, seconds = self._next()
        passed = await self._pause(seconds)
        if self._placed.hangs_up.is_set():
            self._clock.advance(passed)
            await self._player.do("hangup")
            return
        if action in KEYS or action == "hangup":
            self._clock.advance(seconds)  # the player itself moves the clock for all other actions
        await self._player.do(action)

    def _next(self) -> tuple[str, float]:
        """What happens next, and after how many seconds."""
        call = self._placed.call
        timeout = call.remaining or 0.0
        in_menu = call.state is CallState.MENU
        if self._keys and in_menu and self._keys[0] in KEYS:
            return self._keys.popleft(), KEY_SECONDS
        if self._keys and action_word(self._keys[0]) == "hangup":
            self._keys.popleft()
            return "hangup", KEY_SECONDS
        if self._keys and (in_menu or action_word(self._keys[0]) in CALLEE_ACTIONS):
            word = action_word(self._keys[0])
            if word not in CALLEE_ACTIONS or call.state is CallState.DIALING:
                return self._keys.popleft(), timeout
        if in_menu and not self._keys and self._was_silent:
            return "hangup", timeout
        self._was_silent = in_menu and not self._keys
        return "wait", timeout

    async def _pause(self, seconds: float) -> float:
        """Wait, unless the call is ended meanwhile; the seconds of the call that passed."""
        began = self._exchange.now()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds / self._exchange.speed):
                await self._placed.hangs_up.wait()
        passed = (self._exchange.now() - began).total_seconds() * self._exchange.speed
        return min(passed, seconds)

    def _note_answer(self) -> None:
        if self._placed.answered_at is None and self._placed.call.state is CallState.TALKING:
            self._placed.answered_at = self._clock.now()

    async def _send(self, request: OutgoingRequest) -> HttpReply | None:
        if not request.asks and self._placed.plan.on_report:
            self._placed.plan.on_report(request)
        index = len(self._placed.callbacks)
        reply = await self._sender.send(self._placed, request)
        if self._placed.callbacks[index].result not in {"sent", "refused"}:
            self._lost.add(id(request))
        return reply

    def _faults(self) -> list[str]:
        """What is wrong with replies; the missing reply to what was not sent is no fault of the receiver's."""
        exchanges = (one for step in self._player.steps for one in step.exchanges)
        found = [str(fault) for one in exchanges if id(one.request) not in self._lost for fault in one.faults]
        return [*found, self._problem] if self._problem else found


def _rung(call: SimulatedCall) -> str:
    """The number that rings, the first one where there are several."""
    return next((sound.text.split(",")[0] for sound in call.hears if sound.what == "ringing"), "")
