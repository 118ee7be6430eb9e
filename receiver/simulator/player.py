"""The player: applies the caller's actions to a simulated call, and sends the requests that follow."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from time import perf_counter

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    KEYS,
    CalleeOutcome,
    CallState,
    Instruction,
    OutgoingRequest,
    ReplyFault,
    SimulatedCall,
)
from receiver.simulator.clock import Clock, VirtualClock

Send = Callable[[OutgoingRequest], Awaitable[HttpReply | None]]
"""Sends a request and returns the reply; None if none came in time."""
MAX_REQUESTS = 500
"""Requests that may follow one action; more are a loop of replies."""


def action_word(action: str) -> str:
    """An action in the form for comparison: "hang_up" and "Hangup" are equal."""
    return action.lower().replace("_", "").replace("-", "")


CALLEE_ACTIONS = {action_word(outcome): outcome for outcome in CalleeOutcome} | {
    "answer": CalleeOutcome.ANSWERED,
    "reject": CalleeOutcome.REJECTED,
}
"""What the dialled side can do."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of the provider, its reply, and the reply's faults."""

    request: OutgoingRequest
    reply: HttpReply | None
    seconds: float
    """How long the reply took, on the wall clock."""
    faults: tuple[ReplyFault, ...] = ()
    instruction: Instruction | None = None
    """The instruction in the reply; None for a report, and for a reply that could not be followed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action and the exchanges that followed it."""

    action: str
    """start, a key, wait, hangup, or the dialled side's: answer, busy, noanswer, reject, unavailable."""
    exchanges: tuple[Exchange, ...] = ()
    was_taken: bool = True
    """Whether the provider accepted the key: keys have no effect while a call rings."""


@dataclass
class Player:
    """Plays one call. `clock` must be the one in the call's setup."""

    call: SimulatedCall
    send: Send
    clock: Clock = field(default_factory=VirtualClock)
    steps: list[Step] = field(default_factory=list)

    async def start(self) -> Step:
        """Start the call."""
        self.call.start()
        return await self._finish("start")

    async def do(self, action: str) -> Step:
        """One action: a key, `wait`, `hangup`, or what the dialled side does. Raises SimulationError for another."""
        word = action_word(action)
        taken = True
        if action in KEYS and len(action) == 1:
            taken = self.call.press(action)
        elif word == "hangup":
            self.call.hang_up()
        elif word == "wait":
            await self._wait()
        elif word in CALLEE_ACTIONS:
            taken = await self._callee(CALLEE_ACTIONS[word])
        else:
            raise SimulationError(f"{action!r} is not an action; use keys, wait, hangup, {', '.join(CALLEE_ACTIONS)}")
        return await self._finish(action, taken=taken)

    async def play(self, actions: list[str]) -> list[Step]:
        """Start the call and do the actions until it ends."""
        await self.start()
        for action in actions:
            if self.call.has_ended:
                break
            await self.do(action)
        return self.steps

    async def _wait(self) -> None:
        if self.call.timeout is not None:
            await self.clock.sleep(self.call.timeout)
        self.call.wait()

    async def _callee(self, outcome: CalleeOutcome) -> bool:
        """The dialled side reacts; it must be ringing."""
        if self.call.state is not CallState.DIALING:
            return False
        self.call.callee = replace(self.call.callee, outcome=outcome)
        await self._wait()
        return True

    async def _finish(self, action: str, *, taken: bool = True) -> Step:
        """Send all requests that are due now."""
        exchanges: list[Exchange] = []
        while (request := self.call.next_request()) is not None:
            exchanges.append(await self._exchange(request))
            if len(exchanges) > MAX_REQUESTS:
                raise SimulationError(f"one action led to more than {MAX_REQUESTS} requests: the replies form a loop")
        step = Step(action, tuple(exchanges), taken)
        self.steps.append(step)
        return step

    async def _exchange(self, request: OutgoingRequest) -> Exchange:
        began, known = perf_counter(), len(self.call.faults)
        reply = await self.send(request)
        seconds = perf_counter() - began
        self.call.receive(request, reply)
        instruction = self.call.instruction if request.asks else None
        return Exchange(request, reply, seconds, tuple(self.call.faults[known:]), instruction)
