"""The contract between a provider's package and the rest of the receiver.

A provider parses requests and writes replies. It stores nothing and calls no handler. Its package exports a class
`PROVIDER`; nothing else in the project names it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from receiver.providers.base.event import Event
from receiver.providers.base.options import ProviderOptions
from receiver.providers.base.record import CallRecord
from receiver.providers.base.route_table import RouteTable
from receiver.wire import BodyLimits, Format

if TYPE_CHECKING:
    from receiver.providers.base.simulation import SimulatedCall


class Mode(StrEnum):
    """The two kinds of callback."""

    NOTIFY = "notify"
    """Stored, acknowledged, then delivered to handlers."""
    ASK = "ask"
    """A caller waits: a handler's return value is the reply."""


class Fault(StrEnum):
    """Why a callback gets an error reply."""

    PARSE = "parse"
    """It could not be parsed, or is no known callback (err 1)."""
    APPLICATION = "application"
    """The receiver could not store or answer it (err 2)."""
    UNKNOWN_METHOD = "unknown_method"
    """A well-formed call of a method that the provider does not have (A-07)."""


class Reply(BaseModel):
    """A reply to a provider. It is validated when it is made, so that the traceback has its author's line."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of callback. `patience` is how many seconds the provider waits for the reply, where that is known.

    `bulky` says that it may carry a transcript, and so be much larger than others. `has_record` says that each event of
    this kind ends a call, or a leg of one, and so has a call record.
    """

    name: str
    mode: Mode
    event: type[Event]
    replies: tuple[type[Reply], ...] = ()
    patience: float | None = None
    bulky: bool = False
    has_record: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path below the provider's own. `kind` is what arrives there; empty where the content decides.

    The path may have parameters, such as "status/{account}" (`route_table.compile_path`). `cors` says that browsers may
    call it.
    """

    path: str = ""
    kind: str = ""
    cors: bool = False


@dataclass(slots=True)
class CallbackRequest:
    """One HTTP request of a provider, as bytes. Not frozen: freezing costs a microsecond for each request."""

    endpoint: Endpoint
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    """The headers that are stored, with names in lower case; credentials are not among them."""
    body: bytes
    """As it was sent, without its Content-Encoding."""
    peer: str = ""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    undecodable: str = ""
    """Why the body could not be decompressed, else empty; `body` is then as it was sent."""
    notes: tuple[str, ...] = ()
    """What was done to the request before it was parsed, such as "content_encoding:gzip"."""

    def header(self, name: str) -> str:
        """A header as sent, by its name in lower case; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def content_type(self) -> str:
        """The Content-Type header as sent, empty when there is none."""
        return self.header("content-type")

    @property
    def holds_query(self) -> bool:
        """Whether the request has a query and no body."""
        return bool(self.query) and not self.body.strip()


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP reply."""

    body: bytes
    content_type: str
    status: int = 200


@dataclass
class ParsedCallback:
    """One callback in a request: how to make its event, or the reason why there is none."""

    kind: str
    """The kind's name; empty when it is not known."""
    content_hash: bytes
    """16 bytes: a hash of the content, the same in every format; of the bytes if they could not be parsed (B-25)."""
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
        """The event, made on first use: a record whose handlers have no filters is stored without it."""
        return None if self.make is None else self.make()

    def require_event(self) -> Event:
        """The event of a readable callback."""
        assert self.event is not None  # noqa: S101 - called for readable callbacks only
        return self.event


@dataclass(slots=True)
class ParsedRequest:
    """The callbacks of a request, at least one; the dialect its reply is due in; and the repairs it took."""

    dialect: Format
    callbacks: tuple[ParsedCallback, ...]
    notes: tuple[str, ...] = ()


MAX_RECORDS = 1_000
"""Callbacks in one request. Providers send one; storing many occupies the event loop while callers wait."""


Options = TypeVar("Options", bound=ProviderOptions)


class Provider(ABC, Generic[Options]):
    """One phone provider: how its requests read and how its replies are written."""

    name: ClassVar[str]
    """Its name in URLs, in the journal and in settings."""
    title: ClassVar[str]
    """Its name for people."""
    options_type: ClassVar[type[ProviderOptions]]
    endpoints: ClassVar[tuple[Endpoint, ...]]
    kinds: ClassVar[tuple[Kind, ...]]

    fixed_options: ClassVar[frozenset[str]] = frozenset(ProviderOptions.model_fields)
    """Options that are read only when the receiver starts: they determine routes and access."""

    signature_headers: ClassVar[tuple[str, ...]] = ()
    """Headers, in lower case, that `verify_signature` reads. They are stored with the callback."""

    def __init__(self, options: Options, limits: BodyLimits | None = None) -> None:
        self.options = options
        self.limits = limits or BodyLimits()
        self._acknowledgements: dict[tuple[str, Format], HttpReply] = {}
        self._kinds: Mapping[str, Kind] = {kind.name: kind for kind in self.kinds}
        self._routes: RouteTable[Endpoint] = RouteTable()
        for endpoint in self.endpoints:
            self._routes.add(f"/{endpoint.path}".rstrip("/"), endpoint)

    def take_over(self, other: "Provider[Options]") -> None:
        """Take over the options of `other`, an object of the same class, which is not used any more.

        This is one assignment, so that no request has a mix of old and new options.
        """
        self.__dict__ = other.__dict__

    @cached_property
    def path(self) -> str:
        """The path at which its callbacks arrive, without a slash at the end."""
        return "/" + (self.options.path or self.name).strip("/")

    @property
    def country_code(self) -> str:
        """The country code of the local numbers that it sends, such as "972"; empty if not known."""
        return ""

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Origins of web pages that may call the endpoints with `cors`; "*" for any, empty for none."""
        return ()

    @property
    def has_signature(self) -> bool:
        """Whether `verify_signature` rejects requests that the provider did not sign."""
        return False

    def verify_signature(self, request: CallbackRequest, url: str) -> bool:
        """Whether the provider's own signature on a request is valid; True where the provider signs nothing.

        `url` is the address the provider called, with its query. Called before the body is parsed. Compare bytes, in
        constant time: `hmac.compare_digest` raises TypeError for text that is not ASCII. A request whose check raises
        is rejected, with a line in the log.
        """
        return True

    def kind(self, name: str) -> Kind | None:
        """The kind with that name; None if the provider has none."""
        return self._kinds.get(name)

    def kind_in_head(self, request: CallbackRequest) -> Kind | None:
        """The kind that the beginning of a body states, without parsing it; None if it states none.

        Called for each request, so it must be fast. It decides priority only; `read` decides the kind.
        """
        return None

    def guess_kind(self, request: CallbackRequest) -> str:
        """The name of the kind that an unparsed request most likely has; empty if unknown."""
        kind = self.kind_in_head(request)
        return kind.name if kind else request.endpoint.kind

    def is_callback_query(self, request: CallbackRequest) -> bool:
        """Whether the query of a GET request holds a callback; if not, the request gets the readiness line."""
        return True

    def endpoint_of(self, path: str) -> Endpoint:
        """The endpoint that a stored path belongs to; the provider's own path if there is none.

        The provider's path may have been another one when the callback was stored.
        """
        is_below = f"{path}/".startswith(f"{self.path}/")
        parts = path.removeprefix(self.path if is_below else "").split("/")[1:]
        endings = ("".join(f"/{part}" for part in parts[start:]) for start in range(len(parts) + 1))
        found = filter(None, map(self._routes.find, endings))
        return next(found, self.endpoints[0])

    def simulations(self) -> "Mapping[str, type[SimulatedCall]]":
        """The provider's simulated calls by name, such as "ivr"; the default one first."""
        return {}

    def examples(self) -> "Mapping[type[Event], Mapping[str, Any]]":
        """Fields of an event of each kind with realistic values and a call id of its own, for tests of handlers."""
        return {}

    @abstractmethod
    def read(self, request: CallbackRequest) -> ParsedRequest:
        """The callbacks of a request. Never raises: what cannot be parsed is a callback with a fault."""

    @abstractmethod
    def acknowledgement(self, kind: str) -> Reply:
        """The acknowledgement of a stored notify callback of this kind."""

    def acknowledge(self, kind: str, dialect: Format) -> HttpReply:
        """The bytes of the acknowledgement: the same each time, so written once."""
        key = kind, dialect
        if key not in self._acknowledgements:
            self._acknowledgements[key] = self.write(self.acknowledgement(kind), dialect)
        return self._acknowledgements[key]

    @abstractmethod
    def fault_reply(self, kind: str, fault: Fault, reason: str) -> Reply:
        """The error reply to a callback of this kind; empty: unknown."""

    @abstractmethod
    def fallback(self, event: Event) -> Reply | None:
        """The configured reply to a question that no handler answered; None if there is none."""

    @abstractmethod
    def error_reply(self, kind: str) -> Reply:
        """The reply to a question of this kind when there is neither an answer nor a fallback."""

    @abstractmethod
    def write(self, reply: Reply, dialect: Format) -> HttpReply:
        """The bytes of a reply in the dialect of its request."""

    @abstractmethod
    def record(self, event: Event) -> CallRecord | None:
        """The call record of a notify event; None for events that end no call."""
