"""The rows of one call in the journal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select

from storage import journal
from storage.tables import callbacks
from storage.text import clean
from storage.values import StoredCallback

STEPS = ("accepted", "answered", "fallback", "failed")
"""Outcomes of callbacks that are steps of a call: not repeats, and not unparsed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Selects a call: its callbacks since a moment, and before a callback's number."""

    provider: str
    call_id: str
    since: datetime
    before: int | None = None
    """The number of a callback: only earlier ones. None for all."""


@dataclass(frozen=True, slots=True)
class StoredCall:
    """The newest callbacks of a call, oldest first, and the state that its handlers keep, as JSON."""

    callbacks: Sequence[StoredCallback] = ()
    state: bytes | None = None


def load(connection: Connection, wanted: CallFilter, limit: int) -> StoredCall:
    """The newest `limit` callbacks of a call and its state: that of the newest callback that changed it."""
    newest = journal.SELECT_CALLBACK.where(_matching(wanted)).order_by(callbacks.c.id.desc()).limit(limit)
    found = [journal.stored(row) for row in connection.execute(newest)]
    found.sort(key=moment_of)
    state = newest_state(found)
    if state is None and len(found) == limit:
        state = _older_state(connection, wanted)
    return StoredCall(found, state)


def moment_of(callback: StoredCallback) -> tuple[datetime, int]:
    """The order of the callbacks of a call: by receipt, because a receiver may commit late."""
    return callback.received_at, callback.id


def newest_state(found: Sequence[StoredCallback]) -> bytes | None:
    """The state of the last of these callbacks that has one."""
    return next((one.call_state for one in reversed(found) if one.call_state is not None), None)


def _older_state(connection: Connection, wanted: CallFilter) -> bytes | None:
    newest = (
        select(callbacks.c.call_state)
        .where(_matching(wanted), callbacks.c.call_state.is_not(None))
        .order_by(callbacks.c.received_at.desc(), callbacks.c.id.desc())
        .limit(1)
    )
    return connection.execute(newest).scalar_one_or_none()


def _matching(wanted: CallFilter) -> ColumnElement[bool]:
    return and_(
        callbacks.c.call_id == clean(wanted.call_id),
        callbacks.c.provider == wanted.provider,
        callbacks.c.received_at >= wanted.since,
        callbacks.c.outcome.in_(STEPS),
        *([callbacks.c.id < wanted.before] if wanted.before is not None else []),
    )
