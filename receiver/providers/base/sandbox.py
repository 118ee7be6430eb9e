"""The contract of a provider's part of the sandbox: how its API is played, and how it places calls.

A part is written from the provider's document, never from our client, so that both cannot share one mistake. It lives
in `receiver.providers.NAME.sandbox`, which exports a class `SANDBOX`, and is loaded by `receiver sandbox` alone.
"""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field

from receiver.errors import SimulationError, WireError
from receiver.providers.base.simulation import Callee, CallState, OutgoingRequest, SimulatedCall
from receiver.wire import Format, detect_format, read

MAX_FIELDS = 1_000
"""Fields of a query or a form."""
_SPARE_BRACES = re.compile(r"\}\s*\}\s*$")


class SandboxOptions(BaseModel, extra="forbid"):
    """What every provider's part can be set to, in the table `[providers.NAME]` of the sandbox's settings."""

    callback_url: str = ""
    """Where its callbacks go; else the receiver's URL with the provider's name behind it."""


class Parameters:
    """The parameters of an API request, from its query and its body. Names are compared without regard to case."""

    def __init__(self, pairs: Sequence[tuple[str, Any]], items: Sequence[Any] = ()) -> None:
        self._values: dict[str, list[Any]] = {}
        for name, value in pairs:
            self._values.setdefault(name.strip().lower(), []).append(value)
        self.pairs = tuple(pairs)
        """Names and values as sent."""
        self.items = tuple(items)
        """The elements of a body that is a JSON array."""

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def value(self, name: str) -> Any:
        """A value as sent, the last one where there are several; None where there is none."""
        found = self._values.get(name.lower())
        return found[-1] if found else None

    def text(self, name: str) -> str:
        """A value as text, without blanks around it; empty where there is none."""
        return as_text(self.value(name))

    def texts(self, *names: str) -> list[str]:
        """All values of these names as text; a JSON array counts as several."""
        found: list[str] = []
        for name in names:
            for value in self._values.get(name.lower(), []):
                found += map(as_text, value if isinstance(value, list) else [value])
        return [text for text in found if text]

    def custom(self, prefix: str = "var_") -> dict[str, Any]:
        """Parameters whose names begin with the prefix, by their names as sent."""
        return {name.strip(): value for name, value in self.pairs if name.strip().lower().startswith(prefix)}


def as_text(value: Any) -> str:
    """A value as text, without blanks around it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


@dataclass(frozen=True)
class ApiRequest:
    """One request to a provider's API. `path` is below the provider's own path, such as /hub/cdr/."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    peer: str = "127.0.0.1"
    """The address that the request came from."""
    callbacks: str = ""
    """What is to become of the callbacks of the calls that it places: drop, repeat, late, reorder, or empty."""

    @property
    def place(self) -> str:
        """The path as it is compared: in lower case, without a slash at its end (I-03, I-26)."""
        return self.path.lower().rstrip("/")

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON, by its first character."""
        return bool(self.body.strip()) and detect_format(self.body) is Format.JSON

    @cached_property
    def parameters(self) -> Parameters:
        """Query and body together. Raises WireError where the body cannot be read."""
        query = _pairs(self.query)
        if not self.body.strip():
            return Parameters(query)
        if not self.is_json:
            return Parameters([*query, *_pairs(self.body.decode("utf-8", "replace"))])
        content = _read_json(self.body)
        if isinstance(content, list):
            return Parameters(query, content)
        return Parameters([*query, *content.items()] if isinstance(content, dict) else query)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise WireError(f"the request has more than {MAX_FIELDS} fields") from error


def _read_json(body: bytes) -> Any:
    """JSON as the documents print it: with missing commas, and once with a brace too many (I-20)."""
    try:
        return read(body).values
    except WireError:
        text = body.decode("utf-8", "replace")
        if not _SPARE_BRACES.search(text):
            raise
        return read(_SPARE_BRACES.sub("}", text).encode()).values


@dataclass(frozen=True, slots=True)
class ApiReply:
    """What a provider's API answers."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(values: Any) -> ApiReply:
    """Strict JSON."""
    return ApiReply(json.dumps(values, ensure_ascii=False, indent=2).encode(), "application/json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class SentCallback:
    """A callback of a call, and what became of it."""

    kind: str
    fate: str
    """`sent`, `dropped`, `repeated`, `late`, `reordered`, `undelivered`, or `kept` where there is no receiver."""
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
    """An incoming call that somebody asks the sandbox for."""

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


class Description(BaseModel):
    """An incoming call as the control API takes it: POST /sandbox/calls."""

    model_config = {"extra": "forbid"}

    provider: str = "voicenter"
    play: str = ""
    caller: str = "0540000000"
    did: str = ""
    keys: str | list[str] = ""
    """Keys that are pressed, such as "12#"; or a list of actions, such as ["1", "wait", "hangup"]."""
    options: dict[str, str] = Field(default_factory=dict)
    callbacks: str = ""
    count: int = Field(default=1, ge=1, le=10_000)
    """How many such calls to place."""

    @property
    def wanted(self) -> WantedCall:
        """The call."""
        keys = tuple(self.keys)
        return WantedCall(self.play, self.caller, self.did, keys, self.options, self.callbacks)
