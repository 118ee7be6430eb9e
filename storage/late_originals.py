"""Callbacks that come after their record was fetched from a call log; `storage/fetched.py` explains both ways."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from storage.database import driver_connection
from storage.tables import callbacks, condition_of, content_index, fetched
from storage.values import NewCallback

LOCK = 0x72656331
"""The key of the advisory lock on PostgreSQL, shared here and exclusive where callbacks are fetched."""


def late_originals(connection: Connection, ids: Sequence[int], batch: Sequence[NewCallback]) -> Mapping[int, int]:
    """Which of these callbacks report what was fetched already: their number, with that of the fetched callback."""
    keys = [new.record_key for new in batch if new.record_key]
    if not keys:
        return {}
    found = _fetched_keys(connection, keys)
    late: dict[int, int] = {}
    matches = [(new.record_key, id_, new) for id_, new in zip(ids, batch, strict=True) if new.record_key in found]
    for _, id_, new in sorted(matches, key=lambda match: match[:2]):  # sorted, so that two processes never deadlock
        original = _stands_for(connection, new)
        if original is not None:
            late[id_] = original
    return late


def _fetched_keys(connection: Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Those of the keys that a fetched callback has; by the driver, because each append of a record asks."""
    driver = driver_connection(connection)
    if connection.dialect.name == "sqlite":
        marks = ",".join("?" * len(keys))
        statement = f"SELECT record_key FROM fetched WHERE record_key IN ({marks})"  # noqa: S608 - marks only
        return {bytes(row[0]) for row in driver.execute(statement, keys)}
    driver.execute("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK,))
    return {
        bytes(row[0]) for row in driver.execute("SELECT record_key FROM fetched WHERE record_key = ANY(%s)", (keys,))
    }


def _stands_for(connection: Connection, new: NewCallback) -> int | None:
    """The fetched callback that stands for this one, which is then its late original; None if it is another record."""
    is_original = condition_of(content_index)
    repeated = select(callbacks.c.id).where(callbacks.c.content_hash == new.content_hash, is_original)
    if connection.execute(repeated).first() is not None:
        return None  # a repeat of what came before the fetched one
    rows = (
        select(fetched.c.callback_id, fetched.c.late_hash)
        .where(fetched.c.record_key == new.record_key)
        .order_by(fetched.c.callback_id)
        .with_for_update()
    )
    free = None
    for row in connection.execute(rows):
        if row.late_hash is not None and bytes(row.late_hash) == new.content_hash:
            return int(row.callback_id)  # a repeat of a late original
        if row.late_hash is None and free is None:
            free = int(row.callback_id)
    if free is not None:
        taken = update(fetched).where(fetched.c.callback_id == free)
        connection.execute(taken.values(late_hash=new.content_hash))
    return free
