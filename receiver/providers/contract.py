"""What a provider folder offers to the rest of the receiver, and the words they share.

A provider turns requests into readings and replies into bytes. It stores nothing and calls no handler. Its folder
exports a class `PROVIDER`; nothing else in the project names it.
"""

import hashlib
import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from receiver.providers.event import Event
from receiver.providers.naming import remembered
from receiver.providers.records import CallRecord
from receiver.wire import Format, Limits, Value


class Mode(StrEnum):
    """The two kinds of callback."""

    NOTIFY = "notify"
    """We own it now: stored, acknowledged, then handed to handlers."""
    ASK = "ask"
    """Somebody is on the line: a handler's return value is the reply."""


class Fault(StrEnum):
    """Why a callback gets an error reply."""

    PARSE = "parse"
    """It could not be read, or is no callback we know (err 1)."""
    APPLICATION = "application"
    """We could not do our part (err 2)."""
    UNKNOWN_METHOD = "unknown_method"
    """A whole XML-RPC call of a method that nobody knows (A-07)."""


class Reply(BaseModel):
    """What a provider gets as an answer. Checked when it is made, so that an error shows where its author erred."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One callback of a provider. `patience` is how many seconds the provider waits, where that is known.

    `bulky` ones may carry a transcript, and so be much longer than others.
    """

    name: str
    mode: Mode
    event: type[Event]
    replies: tuple[type[Reply], ...] = ()
    patience: float | None = None
    bulky: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path below the provider's own. `kind` is what arrives there; empty where the content tells.

    `on_get` says that GET carries a callback in its query; elsewhere GET only says that the receiver is ready.
    """

    path: str = ""
    kind: str = ""
    on_get: bool = False
    cors: bool = False


@dataclass(slots=True)
class CallbackRequest:
    """One HTTP request of a provider, as bytes. What is made for every request is not frozen: that takes a µs each."""

    endpoint: Endpoint
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    """Those that help to understand it later, with names in lower case; credentials are not among them."""
    body: bytes
    peer: str = ""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def content_type(self) -> str:
        """The Content-Type header as sent, empty when there is none."""
        for name, value in self.headers:
            if name.lower() == "content-type":
                return value
        return ""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back over the socket."""

    body: bytes
    content_type: str
    status: int = 200


@dataclass
class Item:
    """One callback inside a request: what its event is made of, or the reason why there is none."""

    kind: str
    """The kind's name; empty when not even that could be told."""
    content_hash: bytes
    """16 bytes: of the content as sent, whatever its format; of the bytes where they could not be read (B-25)."""
    make: Callable[[], Event] | None = field(default=None, compare=False, repr=False)
    """Makes the event; None where there is none."""
    call_id: str = ""
    """The event's call id."""
    fault: Fault | None = None
    reason: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether there is an event."""
        return self.make is not None

    @cached_property
    def event(self) -> Event | None:
        """The event, made when somebody asks for it: a record that nobody filters is stored without."""
        return None if self.make is None else self.make()


@dataclass(slots=True)
class Reading:
    """What a request holds: at least one item, the dialect its reply is due in, and the repairs it took."""

    dialect: Format
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()


def _fits_a_url(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{8,200}", secret.get_secret_value()):
        raise ValueError("a secret has 8 to 200 letters, digits, dots, hyphens, underscores and tildes")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_fits_a_url)]
"""Something that stands in a URL and that nobody guesses."""


MAX_RECORDS = 1_000
"""Callbacks in one request. Providers send one; each costs a row, and somebody else may wait for the line."""


class ProviderOptions(BaseModel):
    """Settings that every provider has, under `[providers.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, Field(pattern=r"^(/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?$")] = ""
    """Where its callbacks arrive; "/NAME" when empty (A-27)."""
    secrets: tuple[Secret, ...] | None = None
    """Secrets in the path of this provider alone; else the receiver's."""
    passwords: tuple[SecretStr, ...] | None = None
    """`user:password` pairs for this provider alone; else the receiver's."""
    allow_from: tuple[IPv4Network | IPv6Network, ...] | None = None
    """Addresses and networks this provider alone may call from; else the receiver's."""

    @model_validator(mode="before")
    @classmethod
    def _read_lists(cls, values: Any) -> Any:
        """Lists and tables come from environment variables as JSON."""
        if not isinstance(values, dict):
            return values
        return {name: _from_json(value) for name, value in values.items()}


def _from_json(value: Any) -> Any:
    if not (isinstance(value, str) and value.lstrip().startswith(("[", "{"))):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


Options = TypeVar("Options", bound=ProviderOptions)


class Provider(ABC, Generic[Options]):
    """One phone provider: how its requests read and how its replies are written."""

    name: ClassVar[str]
    """In URLs, in the journal and in settings."""
    title: ClassVar[str]
    """For people."""
    options_type: ClassVar[type[ProviderOptions]]
    endpoints: ClassVar[tuple[Endpoint, ...]]
    kinds: ClassVar[tuple[Kind, ...]]

    def __init__(self, options: Options, limits: Limits | None = None) -> None:
        self.options = options
        self.limits = limits or Limits()
        self._acknowledgements: dict[tuple[str, Format], HttpReply] = {}
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in self.kinds}
        self._questions = tuple(kind.name.encode() for kind in self.kinds if kind.mode is Mode.ASK)

    @cached_property
    def path(self) -> str:
        """The path its callbacks arrive at, without a slash at the end."""
        return "/" + (self.options.path or self.name).strip("/")

    def kind(self, name: str) -> Kind | None:
        """The kind of that name, if it is one of this provider's."""
        return self._kinds.get(name)

    def may_ask(self, request: CallbackRequest) -> bool:
        """Whether a request looks like a question, told without reading it: from its URL, or from a name in it."""
        kind = self._kinds.get(request.endpoint.kind)
        if kind is not None:
            return kind.mode is Mode.ASK
        for name in self._questions:  # noqa: SIM110 - a generator would take longer than the search
            if request.body.find(name, 0, _LOOK_AT_BYTES) >= 0:
                return True
        return False

    def endpoint_of(self, path: str) -> Endpoint:
        """The endpoint that a stored path belongs to; the provider's own path where none is named."""
        below = path.removeprefix(self.path).strip("/")
        last = below.rsplit("/", 1)[-1]  # the provider's path may have been another one when this was stored
        return next((endpoint for endpoint in self.endpoints if endpoint.path == last), self.endpoints[0])

    @abstractmethod
    def read(self, request: CallbackRequest) -> Reading:
        """The content of a request. Never raises: what cannot be read is an item with a fault."""

    @abstractmethod
    def acknowledgement(self, kind: str) -> Reply:
        """What a stored notify callback of this kind is answered with."""

    def acknowledge(self, kind: str, dialect: Format) -> HttpReply:
        """The bytes of the acknowledgement: the same each time, so written once."""
        key = kind, dialect
        if key not in self._acknowledgements:
            self._acknowledgements[key] = self.write(self.acknowledgement(kind), dialect)
        return self._acknowledgements[key]

    @abstractmethod
    def refusal(self, kind: str, fault: Fault, reason: str) -> Reply:
        """The error reply for a callback of this kind (empty: unknown)."""

    @abstractmethod
    def fallback(self, event: Event) -> Reply | None:
        """The reply from settings for an ask event that no handler answered; None where nothing is configured."""

    @abstractmethod
    def last_resort(self, kind: str) -> Reply:
        """What an ask callback gets when there is no answer and no fallback."""

    @abstractmethod
    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """The bytes of a reply in the dialect of its request."""

    @abstractmethod
    def record(self, event: Event) -> CallRecord | None:
        """The call record of a notify event; None for events that end no call."""


_LOOK_AT_BYTES = 1024
"""Where a question says what it is; whatever does not is taken for a record until it is read."""


def fingerprint(provider: str, kind: str, content: Value, moment: datetime | int | None = None) -> bytes:
    """A hash of what was sent: equal for the same names and values in any format, case and order (A-09, B-25).

    It begins with the minute of `moment`, which the content itself tells: hashes of one time lie close together in
    an index then, however many there are, and a repeat, whenever it comes, still has the hash of its original.
    """
    canonical = _dump(_canonical(content, _folded))
    content_hash = hashlib.blake2b(b"\0".join((provider.encode(), kind.encode(), canonical)), digest_size=12)
    return _minute(moment).to_bytes(4, "big") + content_hash.digest()


def _minute(moment: datetime | int | None) -> int:
    """Minutes since 1970; 0 where there is no moment, or none that makes sense. An int is an epoch in seconds."""
    if isinstance(moment, datetime):
        moment = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    minute = (moment or 0) // 60
    return minute if 0 < minute < 2**32 else 0


def bytes_fingerprint(provider: str, kind: str, *parts: bytes) -> bytes:
    """A hash for what could not be read: of its bytes."""
    return hashlib.blake2b(b"\0".join((provider.encode(), kind.encode(), b"bytes", *parts)), digest_size=16).digest()


def _dump(canonical: Value) -> bytes:
    return orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _fold(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in names)


_folded = remembered(_fold)
"""For the names of a callback's own fields; what is nested in them has any names."""


def _canonical(value: Value, fold: Callable[[tuple[str, ...]], tuple[str, ...]] = _fold) -> Value:
    match value:
        case str():
            return value.strip()
        case dict():
            items = [item.strip() if isinstance(item, str) else _canonical(item) for item in value.values()]
            names = fold(tuple(value))
            fields = dict(zip(names, items, strict=True))
            # Two spellings of one name: both count.
            return fields if len(fields) == len(items) else sorted(zip(names, items, strict=True), key=_dump)
        case list():
            return [_canonical(item) for item in value]
        case bool() | None:
            return value
        case float() if value.is_integer():
            return str(int(value))
        case bytes():
            return f"base64:{value.hex()}"
    return str(value)


def discover() -> dict[str, type[Provider[Any]]]:
    """Every provider that has a folder beside this module, by name."""
    package = importlib.import_module("receiver.providers")
    folders = (module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg)
    classes = (importlib.import_module(f"receiver.providers.{folder}").PROVIDER for folder in sorted(folders))
    return {provider.name: provider for provider in classes}
