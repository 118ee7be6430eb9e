"""A telephone: places calls one after the other, and does what the caller and the dialled side do."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from receiver.errors import SimulationError
from receiver.phone.clock import PhoneClock
from receiver.phone.line import Line
from receiver.phone.order import CallOrder
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import KEYS, CallState, OutgoingRequest, SimulatedCall
from receiver.simulator import CALLEE_ACTIONS, Exchange, Player, Step, VirtualClock, action_word

WAITING = {CallState.MENU, CallState.DIALING, CallState.TALKING, CallState.RECORDING}
"""States in which the provider continues after some seconds."""


@dataclass
class PhoneSession:
    """Calls of one order. `on_change` is called when a request is sent and when an action has ended.

    With a PhoneClock the dialled side reacts in the moment of its action.
    """

    order: CallOrder
    line: Line
    clock: PhoneClock | VirtualClock
    on_change: Callable[[], None] = lambda: None
    outgoing: OutgoingRequest | None = field(default=None, init=False)
    """The request that waits for its reply."""
    hung_up_early: bool = field(default=False, init=False)
    """Whether the caller hung up while a question waited for its reply."""
    _broken: str = field(default="", init=False)
    _running: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._idle = asyncio.Event()
        self._idle.set()
        self._take_new_call()

    def _take_new_call(self) -> None:
        self._broken, self.hung_up_early = "", False
        self.call: SimulatedCall = self.order.new_call(self.clock.now)
        is_live = isinstance(self.clock, PhoneClock)
        self.player = Player(self.call, self._send, self.clock, reacts_at_once=is_live)

    async def dial(self) -> Step | None:
        """Place a call; a new one if there was one."""
        if self.player.steps:
            self._take_new_call()
        return await self._run("start")

    async def do(self, action: str) -> Step | None:
        """An action of `Player`; None for one without effect in this state.

        Keys without effect are a step all the same: a caller can press them. Raises SimulationError for no action.
        """
        if not is_action(action):
            raise SimulationError(f"{action!r} is not an action; there are {ACTIONS}")
        word = action_word(action)
        if self.call.state in {CallState.NEW, CallState.ENDED}:
            return None
        if word == "wait" and self.remaining is None:
            return None
        if word in CALLEE_ACTIONS and self.call.state is not CallState.DIALING:
            return None
        if word == "hangup" and self.call.state is CallState.ASKING:
            self.hung_up_early = True
        return await self._run(action)

    async def finish(self) -> Step | None:
        """Hang up if the call has not ended, and wait until all that runs has ended."""
        step = await self.do("hangup")
        await self._idle.wait()
        return step

    async def go_on_if_due(self) -> Step | None:
        """What the provider does when no action comes, if its time has come."""
        return await self.do("wait") if self.remaining == 0 else None

    @property
    def remaining(self) -> float | None:
        """Seconds until the provider continues; None while it waits for something else."""
        return self.call.remaining if self.call.state in WAITING else None

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, and all that reports it was sent."""
        return (self.call.has_ended or self.is_broken) and not self._running

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges of the call so far, in the order of the steps."""
        return [exchange for step in self.player.steps for exchange in step.exchanges]

    @property
    def problem(self) -> str:
        """Why the call cannot go on, or why the last request got no reply; empty if all is well."""
        return self._broken or self.line.problem

    @property
    def is_broken(self) -> bool:
        """Whether the call cannot be played to its end: its replies form a loop."""
        return bool(self._broken)

    @property
    def has_faults(self) -> bool:
        """Whether the provider would not have understood a reply, or got none."""
        return bool(self.call.faults or self.problem)

    async def _run(self, action: str) -> Step | None:
        player = self.player
        self._running += 1
        self._idle.clear()
        self.on_change()
        try:
            return await (player.start() if action == "start" else player.do(action))
        except SimulationError as error:  # the replies form a loop
            self._broken = str(error)
            return None
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
            self.on_change()

    async def _send(self, request: OutgoingRequest) -> HttpReply | None:
        self.outgoing = request
        self.on_change()
        try:
            return await self.line(request)
        finally:
            self.outgoing = None


ACTIONS = f"{' '.join(KEYS)}, wait, hangup, and for the dialled side {', '.join(CALLEE_ACTIONS)}"
"""What can be done, for people."""


def is_action(text: str) -> bool:
    """Whether `PhoneSession.do` knows this action."""
    return (len(text) == 1 and text in KEYS) or action_word(text) in {"wait", "hangup", *CALLEE_ACTIONS}
