"""What the journal has of each call, by kinds: to find calls of which something is missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, func, select

from storage import journal
from storage.tables import callbacks
from storage.text import clean
from storage.values import StoredCallback


@dataclass(frozen=True, slots=True)
class CallKinds:
    """The kinds of callbacks of one call, and when the first and the last of them came."""

    provider: str
    call_id: str
    kinds: tuple[str, ...]
    first_at: datetime
    last_at: datetime


def kinds_of_calls(connection: Connection, since: datetime) -> Iterator[CallKinds]:
    """Each call that has callbacks since then."""
    rows = connection.execute(
        select(
            callbacks.c.provider,
            callbacks.c.call_id,
            callbacks.c.kind,
            func.min(callbacks.c.received_at).label("first_at"),
            func.max(callbacks.c.received_at).label("last_at"),
        )
        .where(callbacks.c.received_at >= since, callbacks.c.call_id != "")
        .group_by(callbacks.c.provider, callbacks.c.call_id, callbacks.c.kind)
        .order_by(callbacks.c.provider, callbacks.c.call_id, callbacks.c.kind)
    )
    for (provider, call_id), of_call in groupby(rows, key=lambda row: (row.provider, row.call_id)):
        kinds = list(of_call)
        first, last = min(row.first_at for row in kinds), max(row.last_at for row in kinds)
        yield CallKinds(provider, call_id, tuple(row.kind for row in kinds), first, last)


def of_call(connection: Connection, provider: str, call_id: str) -> list[StoredCallback]:
    """The callbacks of a call, without repeats, oldest first."""
    wanted = journal.SELECT_CALLBACK.where(
        callbacks.c.call_id == clean(call_id), callbacks.c.provider == provider, callbacks.c.duplicate_of.is_(None)
    )
    return [journal.stored(row) for row in connection.execute(wanted.order_by(callbacks.c.id))]
