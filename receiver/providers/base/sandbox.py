"""The contract of a provider's part of the sandbox: how its API is played, and how it places calls.

A part is written from the provider's document, never from our client, so that both cannot share one mistake. It lives
in `receiver.providers.NAME.sandbox`, which exports a class `SANDBOX`, and is loaded by `receiver sandbox` alone.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from receiver.errors import SimulationError
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest
from receiver.providers.base.simulation import Callee, CallState, OutgoingRequest, SimulatedCall


class SandboxOptions(BaseModel, extra="forbid"):
    """What every provider's part can be set to, in the table `[providers.NAME]` of the sandbox's settings."""

    callback_url: str = ""
    """Where its callbacks go; else the receiver's URL with the provider's name behind it."""


@dataclass(frozen=True, slots=True)
class SentCallback:
    """A callback of a call, and what became of it."""

    kind: str
    result: str
    """`sent`, `dropped`, `repeated`, `late`, `reordered`; `undelivered` without a reply, `refused` with a status other
    than 200; or `kept` where there is no receiver."""
    status: int | None = None
    """The HTTP status of the reply; None where none came, or not yet."""


class CallClock(Protocol):
    """The clock of one call: it moves by what happens in the call."""

    def now(self) -> datetime:
        """The time, with its zone."""

    def advance(self, seconds: float) -> None:
        """Move on."""

    async def sleep(self, seconds: float) -> None:
        """Move on."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What the sandbox must know of a call, beside what the simulated call itself does."""

    provider: str
    clock: CallClock
    """The one in the call's setup."""
    kind: str
    """What it is, such as click2call."""
    parties: tuple[str, ...]
    """The numbers and extensions in it."""
    keys: tuple[str, ...] = ()
    """What the caller does: keys, `wait` and `hangup`, and what a dialled side does, such as `busy`."""
    url: str = ""
    """Where its callbacks go; empty: to the receiver."""
    callbacks: str = ""
    """What becomes of its callbacks; see `ApiRequest.callbacks`."""
    on_report: Callable[[OutgoingRequest], None] | None = None
    """Called with each report of the call before it is sent, or lost."""


class PlacedCall:
    """A call that the sandbox has placed. It is live until `ended` is set."""

    def __init__(self, number: int, call: SimulatedCall, plan: CallPlan, began: datetime) -> None:
        self.number = number
        """Counts the sandbox's calls from 1."""
        self.call = call
        self.plan = plan
        self.began = began
        self.answered_at: datetime | None = None
        self.callbacks: list[SentCallback] = []
        self.faults: tuple[str, ...] = ()
        """What the provider would not have understood in the receiver's replies."""
        self.ended = asyncio.Event()
        self.hangs_up = asyncio.Event()

    @property
    def is_live(self) -> bool:
        """Whether it has not ended yet."""
        return self.call.state is not CallState.ENDED and not self.ended.is_set()

    def hang_up(self) -> None:
        """End the call as soon as possible."""
        self.hangs_up.set()


class Exchange(Protocol):
    """The sandbox's telephone exchange, as a provider's part sees it."""

    @property
    def speed(self) -> float:
        """How many seconds of a call pass in one real second."""

    def now(self) -> datetime:
        """The time of day."""

    def new_call_id(self) -> str:
        """A call id of 32 characters that no other call has."""

    def call_clock(self) -> CallClock:
        """The clock of a call that begins now, for its setup and its plan."""

    def callee(self, number: str) -> Callee:
        """How the phone with that number behaves."""

    def place(self, call: SimulatedCall, plan: CallPlan) -> PlacedCall:
        """Begin a call. It goes on by itself, and posts its callbacks."""

    def live(self, provider: str) -> list[PlacedCall]:
        """The calls of a provider that have not ended."""

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of calls."""

    def in_background(self, work: Awaitable[None]) -> None:
        """Run something beside the requests. The sandbox counts as busy until it is done."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of an API, for the overview."""

    name: str
    """As fault rules name it."""
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class WantedCall:
    """An incoming call that the control API asks for."""

    play: str = ""
    """Which of the provider's calls; empty: the usual one."""
    caller: str = "0540000000"
    did: str = ""
    keys: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    callbacks: str = ""


class SandboxApi(ABC):
    """A provider's part of the sandbox."""

    name: ClassVar[str]
    """Its path, and its name in settings."""
    title: ClassVar[str]
    options_type: ClassVar[type[SandboxOptions]] = SandboxOptions
    operations: ClassVar[tuple[Operation, ...]]
    root_paths: ClassVar[tuple[str, ...]] = ()
    """How the document's own paths begin, in lower case: they are answered at the sandbox's root as well."""

    def __init__(self, exchange: Exchange, options: Any) -> None:
        self.exchange = exchange
        self.options = options

    @abstractmethod
    def operation(self, request: ApiRequest) -> str:
        """The name of the operation that a request means; empty where there is none."""

    @abstractmethod
    def answer(self, request: ApiRequest) -> ApiReply:
        """What the provider answers. May raise WireError for a body that cannot be read."""

    @abstractmethod
    def error(self, request: ApiRequest, code: str) -> ApiReply:
        """The documented error reply with that code."""

    @abstractmethod
    def unreadable(self, request: ApiRequest) -> ApiReply:
        """The reply to a body that cannot be read."""

    def incoming(self, wanted: WantedCall) -> PlacedCall:
        """Place an incoming call. Raises SimulationError where the provider has none."""
        raise SimulationError(f"{self.title} has no incoming calls")
