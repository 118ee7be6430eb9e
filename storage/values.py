"""What goes into the journal and what comes out: plain values, never rows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AliasChoices, Field


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """Asks to lease deliveries to a worker in the transaction that creates them: those to these handlers."""

    worker: str
    seconds: float
    handlers: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class NewCallback:
    """One callback to be stored, with the deliveries to create. Not frozen: freezing costs 2 µs for each."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}
    """How the spool writes it: exact bytes."""

    provider: str
    received_at: datetime
    outcome: str
    content_hash: bytes
    """16 bytes: equal content has an equal hash."""
    deduplicate: Annotated[bool, Field(validation_alias=AliasChoices("deduplicate", "once"))]
    """Whether a repeat of the same content counts as a duplicate; questions may be asked again.

    Spools that version 0.1 left behind have it as `once`.
    """
    kind: str = ""
    call_id: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
    format: str = ""
    method: str = "POST"
    path: str = ""
    query: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    peer: str = ""
    body: bytes = b""
    part: int = 0
    """The place in a request that holds several callbacks, from 0; the body is stored with the first."""
    reply_status: int = 200
    reply_type: str = ""
    reply_body: bytes = b""
    took_us: int = 0
    """Microseconds from the last byte of the request to the reply being ready, the commit not counted."""
    deliveries: tuple[str, ...] = ()
    """Names of the handlers to deliver it to."""
    call_key: str = ""
    """Deliveries with the same key reach one handler one after the other; empty for no order."""
    answered_by: str | None = None
    """The handler of a question, whether it answered or failed."""
    call_state: bytes | None = None
    """What handlers keep of the call, as JSON; None where it did not change."""
    lease: LeaseRequest | None = None
    """The worker that leases some of the deliveries at once, unless an earlier one of their call is unfinished; SQLite
    only."""


@dataclass(slots=True)
class Appended:
    """What became of a NewCallback: its number in the journal, and whose repeat it is.

    The number is 0 while it is in the spool: on disk, but not in the journal yet.
    """

    id: int
    duplicate_of: int | None = None
    leased: tuple[tuple[str, int], ...] = ()
    """Handlers whose deliveries were leased at once, with the deliveries' numbers."""


@dataclass(slots=True)
class NewDelivery:
    """One delivery to create: of a stored callback to a handler, due in so many seconds."""

    callback_id: int
    handler: str
    call_key: str
    after_seconds: float = 0.0
    replay_id: int | None = None
    lease: LeaseRequest | None = None


def call_key(provider: str, call_id: str) -> str:
    """What the deliveries of one call share, so that they reach a handler one after the other; empty for no order."""
    return f"{provider}:{call_id}" if call_id else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """A callback as the journal has it. Bodies and replies are the exact bytes."""

    id: int
    provider: str
    received_at: datetime
    kind: str
    call_id: str
    outcome: str
    reason: str
    notes: tuple[str, ...]
    duplicate_of: int | None
    content_hash: bytes
    format: str
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    peer: str
    body: bytes
    part: int
    reply_status: int
    reply_type: str
    reply_body: bytes
    took_us: int
    answered_by: str | None = None
    call_state: bytes | None = None


def as_stored(new: NewCallback, id_: int) -> StoredCallback:
    """A callback that has just been stored, as the journal would give it back."""
    fields = {name: getattr(new, name) for name in StoredCallback.__slots__ if name not in {"id", "duplicate_of"}}
    return StoredCallback(id=id_, duplicate_of=None, **fields)


class State(StrEnum):
    """Where a delivery stands."""

    DUE = "due"
    """Waits for its time and for the earlier ones of its call."""
    RUNNING = "running"
    """A worker has it, until its lease ends."""
    DONE = "done"
    DEAD = "dead"
    """Failed at its last attempt; requeued by hand."""
    DROPPED = "dropped"
    """Not wanted, says its handler or an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that a worker has taken, with the callback it is about."""

    delivery_id: int
    handler: str
    attempt: int
    """Which try this is, from 1."""
    uncounted_attempts: int = 0
    """Attempts that no longer count: those before it was requeued, and those cut short by a stop."""
    callback: StoredCallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How an attempt ended. `retry_in` seconds later it is due again, if the state is DUE."""

    delivery_id: int
    worker: str
    attempt: int
    state: State
    result: str = "done"
    """done, failed, retry, dropped, late or lost."""
    error: str = ""
    traceback: str = ""
    retry_in: float = 0.0
    started_at: datetime | None = None
    took_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that did not succeed, for people to read."""

    number: int
    started_at: datetime
    took_us: int
    result: str
    error: str
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One callback for one handler, for people to read."""

    id: int
    callback_id: int
    handler: str
    state: State
    attempts: int
    due_at: datetime | None
    reason: str
    finished_at: datetime | None
    replay_id: int | None = None
    failures: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which callbacks are meant; empty fields let everything pass."""

    provider: str = ""
    kind: str = ""
    call_id: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
