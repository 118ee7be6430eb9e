"""The values that go into the journal and come out of it: never rows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

CALL_LOG_NOTE = "call_log"
"""The note of a callback that never came and was made from the provider's call log."""


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A request to lease deliveries to these handlers to a worker, in the transaction that creates them."""

    worker: str
    seconds: float
    handlers: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class NewCallback:
    """One callback to store, with the deliveries to create. Not frozen: freezing costs 2 µs for each."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_bytes": "base64", "val_json_bytes": "base64"}
    """How the spool writes bytes: exactly, as base64."""

    provider: str
    received_at: datetime
    outcome: str
    content_hash: bytes
    """16 bytes: equal content has an equal hash."""
    deduplicate: bool
    """Whether a repeat of the same content counts as a duplicate; a repeated question does not."""
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
    """Microseconds from the last byte of the request until the reply is ready, without the commit."""
    deliveries: tuple[str, ...] = ()
    """Names of the handlers to deliver it to."""
    call_key: str = ""
    """Deliveries with the same key to one handler run in order, one at a time; empty for no order."""
    answered_by: str | None = None
    """The handler of a question, whether it answered or failed."""
    call_state: bytes | None = None
    """What handlers keep of the call, as JSON; None where it did not change."""
    lease: LeaseRequest | None = None
    """Leases deliveries to a worker at once, unless an earlier one of their call is unfinished; SQLite only."""
    record_key: bytes = b""
    """Identifies the leg of a call that a record reports, whatever it says of it; empty for all other callbacks."""


@dataclass(slots=True)
class Appended:
    """The result of storing a NewCallback: its number in the journal, and the original if it is a repeat.

    The number is 0 for a callback in the spool: on disk, but not in the journal yet.
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
    """The key that the deliveries of one call share, so that a handler gets them in order; empty for no order."""
    return f"{provider}:{call_id}" if call_id else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """A stored callback. Bodies and replies are the exact bytes."""

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
    """A callback that has just been stored, as the journal would return it."""
    fields = {name: getattr(new, name) for name in StoredCallback.__slots__ if name not in {"id", "duplicate_of"}}
    return StoredCallback(id=id_, duplicate_of=None, **fields)


class State(StrEnum):
    """The state of a delivery."""

    DUE = "due"
    """Waits for its due time, and for earlier deliveries of its call."""
    RUNNING = "running"
    """Leased to a worker."""
    DONE = "done"
    DEAD = "dead"
    """Failed at its last attempt; only an operator requeues it."""
    DROPPED = "dropped"
    """Given up on purpose, by its handler or by an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is leased to a worker, with its callback."""

    delivery_id: int
    handler: str
    attempt: int
    """Which attempt this is, from 1."""
    uncounted_attempts: int = 0
    """Attempts that do not count: those before it was requeued, and those that a stop interrupted."""
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
    """A filter of callbacks; an empty field matches everything."""

    provider: str = ""
    kind: str = ""
    call_id: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
