"""Callbacks made from a provider's call log, and the original callbacks that come after them.

A record has two ways into the journal: its own callback, and the call log. Whichever comes first is delivered, and the
other one is not. The contents of the two differ, so their hashes do not tell; the record key does, which names the leg
of the call. A call may have several records with one key, so each fetched one stands for one original.

On PostgreSQL a shared advisory lock of each append and an exclusive one of `store` keep the two apart; SQLite has one
writer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, insert, select, text

from storage import journal
from storage.late_originals import LOCK
from storage.tables import callbacks, fetched
from storage.text import clean
from storage.values import NewCallback, StoredCallback


@dataclass(frozen=True, slots=True)
class FetchedCallback:
    """A callback made from a call log, and how many callbacks of its call the journal had when it was missing."""

    new: NewCallback
    known: int


def count_of_call(connection: Connection, provider: str, call_id: str) -> int:
    """How many callbacks of a call the journal has, repeats included."""
    found = select(func.count()).where(callbacks.c.call_id == clean(call_id), callbacks.c.provider == provider)
    return int(connection.execute(found).scalar_one())


def store(connection: Connection, batch: Sequence[FetchedCallback]) -> list[bool]:
    """Store callbacks made from a call log with their deliveries; for each whether it was stored.

    One is not stored if the journal has got a callback of its call since it was found missing: compare again then.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    counts = {key: count_of_call(connection, *key) for key in {(one.new.provider, one.new.call_id) for one in batch}}
    wanted = [one.new for one in batch if counts[one.new.provider, one.new.call_id] == one.known]
    stored = set()
    for new, appended in zip(wanted, journal.append(connection, wanted, check_late=False), strict=True):
        if appended.duplicate_of is None:
            connection.execute(insert(fetched).values(callback_id=appended.id, record_key=new.record_key))
        stored.add(id(new))
    return [id(one.new) in stored for one in batch]


def of_calls(
    connection: Connection, provider: str, kind: str, call_ids: Collection[str]
) -> tuple[dict[str, int], list[StoredCallback]]:
    """How many callbacks each call has, and those of one kind without repeats. Counted first, for `store`."""
    ids = [clean(call_id) for call_id in call_ids]
    of_them = and_(callbacks.c.call_id.in_(ids), callbacks.c.provider == provider)
    counted = select(callbacks.c.call_id, func.count()).where(of_them).group_by(callbacks.c.call_id)
    counts = {row[0]: int(row[1]) for row in connection.execute(counted)}
    wanted = journal.SELECT_CALLBACK.where(of_them, callbacks.c.kind == kind, callbacks.c.duplicate_of.is_(None))
    return counts, [journal.stored(row) for row in connection.execute(wanted.order_by(callbacks.c.id))]
