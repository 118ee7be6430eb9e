"""The contract of a simulated call: the provider's side of a call.

A simulated call does no I/O and never waits. It says which request the provider would send now, takes the reply to it,
and takes what the caller and the callee do. `receiver.simulator` plays such calls against a receiver;
`receiver.testing` plays them against handlers.
"""

import secrets
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.wire import Format

KEYS = "0123456789*#"
"""The keys of a telephone."""
INPUT_SECONDS = 5.0
"""How long a provider waits for the next key; no document states it."""


def _now() -> datetime:
    return datetime.now(UTC)


def new_call_id() -> str:
    """A call id of 32 characters."""
    return secrets.token_hex(16)


class CallState(StrEnum):
    """What a simulated call is doing."""

    NEW = "new"
    ASKING = "asking"
    """The provider has sent a request, and the caller waits for its reply."""
    MENU = "menu"
    """The caller hears something and may press keys."""
    DIALING = "dialing"
    TALKING = "talking"
    RECORDING = "recording"
    ENDED = "ended"


class CalleeOutcome(StrEnum):
    """How a dialled call ends."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    """Not registered, or not reachable."""
    INVALID_NUMBER = "invalid_number"


@dataclass(frozen=True, slots=True)
class Callee:
    """How the dialled side behaves. It rings for `ring_seconds`, then talks for `talk_seconds` at most."""

    outcome: CalleeOutcome = CalleeOutcome.ANSWERED
    ring_seconds: float = 6.0
    talk_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Sound:
    """Something the caller hears: `what` is recording, digits, speech, ringing or music."""

    what: str
    text: str = ""
    times: int = 1
    pause: int = 0
    """Seconds between repetitions."""

    def __str__(self) -> str:
        repeated = f", {self.times} times" if self.times > 1 else ""
        return f"{self.what} {self.text}".rstrip() + repeated


@dataclass(frozen=True, slots=True)
class ReplyFault:
    """Why the provider would not understand a reply, and the rule that it breaks."""

    text: str
    rule: str = ""
    """A chapter of the provider's document, or the number of a doubtful point such as C-15."""

    def __str__(self) -> str:
        return f"{self.text} ({self.rule})" if self.rule else self.text


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One request as the provider sends it. `target` is path and query below the provider's own path."""

    kind: str
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"
    target: str = ""
    asks: bool = False
    """Whether the caller waits for the reply."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction to the provider, from a reply: the action by its wire name, and its fields as sent."""

    action: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSetup:
    """Who calls whom, and how the provider is set up."""

    caller: str = "0540000000"
    did: str = "0730000000"
    """The number that was called."""
    caller_name: str = ""
    format: Format | None = None
    """The format of the requests; None for the provider's usual one."""
    call_id: str = field(default_factory=new_call_id)
    callee: Callee = Callee()
    now: Callable[[], datetime] = _now
    """The clock."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options that only some calls have, such as `layer` or `type`; see `SimulatedCall.options`."""


class SimulatedCall(ABC):
    """One call as a provider plays it.

    The player sends each request of `next_request` and gives its reply to `receive`. In between it calls `press`,
    `wait`, `hang_up` for the caller, and `set_callee` for the dialled side. While `state` is MENU, DIALING, TALKING or
    RECORDING, the provider goes on by itself after `timeout` seconds, which `wait` stands for.
    """

    title: ClassVar[str]
    """The name of the call, for people."""
    formats: ClassVar[tuple[Format, ...]]
    """Formats of the requests, the default one first."""
    options: ClassVar[Mapping[str, str]] = {}
    """Names of further options of the setup, each with what it means."""

    def __init__(self, setup: CallSetup) -> None:
        if unknown := setup.options.keys() - self.options.keys():
            known = ", ".join(self.options) or "none"
            raise SimulationError(f"{min(unknown)!r} is not an option of {self.title}; it has {known}")
        self.setup = setup
        self.format = setup.format or self.formats[0]
        if self.format not in self.formats:
            formats = ", ".join(self.formats)
            raise SimulationError(f"{self.title} does not come as {self.format}; choose one of {formats}")
        self.call_id = setup.call_id
        self.callee = setup.callee
        self.state = CallState.NEW
        self.hears: tuple[Sound, ...] = ()
        self._timeout: float | None = None
        self.timeout_began = setup.now()
        """When `timeout` was set."""
        self.digits = ""
        """The keys pressed since the last request."""
        self.position = ""
        """The name of the menu or layer that the call is in; empty if it is in none."""
        self.instruction: Instruction | None = None
        """The instruction in the last reply."""
        self.faults: list[ReplyFault] = []
        """All faults of the replies so far."""
        self._outbox: deque[OutgoingRequest] = deque()

    @abstractmethod
    def start(self) -> None:
        """The call begins."""

    @abstractmethod
    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Take the reply to a request; None if none came in time. Never raises: what is wrong is in `faults`."""

    def next_request(self) -> OutgoingRequest | None:
        """The request to send now, each once; None if there is none."""
        return self._outbox.popleft() if self._outbox else None

    def press(self, key: str) -> bool:
        """The caller presses a key; whether the provider accepts it now. Raises SimulationError for any other text."""
        if len(key) != 1 or key not in KEYS:
            raise SimulationError(f"{key!r} is not a key of a telephone; the keys are {' '.join(KEYS)}")
        return False

    @abstractmethod
    def wait(self) -> None:
        """Nothing happens for `timeout` seconds: the provider goes on by itself."""

    @abstractmethod
    def hang_up(self) -> None:
        """The caller hangs up."""

    @property
    def timeout(self) -> float | None:
        """Seconds after which the provider goes on by itself, counted from `timeout_began`.

        None while it waits for a reply, and after the end.
        """
        return self._timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._timeout, self.timeout_began = seconds, self.setup.now()

    @property
    def remaining(self) -> float | None:
        """Seconds of the setup's clock until the provider goes on by itself; None where `timeout` is None."""
        if self._timeout is None:
            return None
        return max(0.0, self._timeout - (self.setup.now() - self.timeout_began).total_seconds())

    def ring_seconds(self) -> float:
        """How long the dialled side rings before its outcome is known; a provider may give up earlier."""
        return self.callee.ring_seconds

    def set_callee(self, callee: Callee) -> None:
        """How the dialled side behaves from now on, also if it rings already."""
        self.callee = callee
        if self.state is CallState.DIALING:
            self._timeout = self.ring_seconds()  # still counted from when it began to ring

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The call ids that its requests carry; several only for a call that led to others."""
        return (self.call_id,)

    @property
    def has_ended(self) -> bool:
        """Whether the call is over and all of its requests were taken."""
        return self.state is CallState.ENDED and not self._outbox
