"""The player: applies the caller's actions to a simulated call, and sends the requests that follow."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
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
    """Plays one call. `clock` must be the one in the call's setup.

    One action may begin while another one still waits for a reply: a caller may hang up at any moment.
    """

    call: SimulatedCall
    send: Send
    clock: Clock = field(default_factory=VirtualClock)
    steps: list[Step] = field(default_factory=list)
    """What was done, in the order in which it began."""
    reacts_at_once: bool = False
    """Whether the dialled side reacts in the moment of its action; else when it has rung for its `ring_seconds`."""
    _begun: int = field(default=0, init=False)

    async def start(self) -> Step:
        """Start the call."""
        place = self._next_place()
        self.call.start()
        return await self._finish("start", place)

    async def do(self, action: str) -> Step:
        """One action: a key, `wait`, `hangup`, or what the dialled side does. Raises SimulationError for another."""
        word = action_word(action)
        taken, place = True, self._next_place()
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
        return await self._finish(action, place, taken=taken)

    async def play(self, actions: list[str]) -> list[Step]:
        """Start the call and do the actions until it ends."""
        await self.start()
        for action in actions:
            if self.call.has_ended:
                break
            await self.do(action)
        return self.steps

    async def _wait(self) -> None:
        """Until the provider goes on by itself."""
        if remaining := self.call.remaining:
            await self.clock.sleep(remaining)
        self.call.wait()

    async def _callee(self, outcome: CalleeOutcome) -> bool:
        """The dialled side reacts; it must be ringing."""
        if self.call.state is not CallState.DIALING:
            return False
        callee = replace(self.call.callee, outcome=outcome)
        if self.reacts_at_once:
            rung = (self.clock.now() - self.call.timeout_began).total_seconds()
            callee = replace(callee, ring_seconds=rung)
        self.call.set_callee(callee)
        await self._wait()
        self.call.set_callee(self.call.setup.callee)  # the outcome is that of one dialling only
        return True

    def _next_place(self) -> int:
        self._begun += 1
        return self._begun - 1

    async def _finish(self, action: str, place: int, *, taken: bool = True) -> Step:
        """Send all requests that are due now."""
        exchanges: list[Exchange] = []
        requests = deque(self._requests())
        while requests:
            exchanges.append(await self._exchange(requests.popleft()))
            requests.extend(self._requests())
            if len(exchanges) > MAX_REQUESTS:
                raise SimulationError(f"one action led to more than {MAX_REQUESTS} requests: the replies form a loop")
        step = Step(action, tuple(exchanges), taken)
        self.steps.insert(place, step)
        return step

    def _requests(self) -> Iterator[OutgoingRequest]:
        """What the provider sends now, all of it at once: an action that begins meanwhile has requests of its own."""
        while (request := self.call.next_request()) is not None:
            yield request

    async def _exchange(self, request: OutgoingRequest) -> Exchange:
        began = perf_counter()
        reply = await self.send(request)
        seconds = perf_counter() - began
        known = len(self.call.faults)
        self.call.receive(request, reply)
        instruction = self.call.instruction if request.asks else None
        return Exchange(request, reply, seconds, tuple(self.call.faults[known:]), instruction)
