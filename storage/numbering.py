"""Numbers for new rows, taken before they are inserted."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from storage.database import driver_connection


def next_callback_ids(connection: Connection, count: int) -> Sequence[int]:
    """Numbers in order of receipt, taken before the rows are sorted for the insert."""
    if connection.dialect.name == "sqlite":
        return next_numbers(connection, "callbacks", count)
    taken = text("SELECT nextval(pg_get_serial_sequence('callbacks', 'id')) FROM generate_series(1, :count)")
    return sorted(connection.execute(taken, {"count": count}).scalars())


def next_numbers(connection: Connection, table: str, count: int) -> range:
    """The next numbers of a table on SQLite, where the transaction holds the only write lock."""
    found = driver_connection(connection).execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    last = found[0] if found else 0
    return range(last + 1, last + 1 + count)
