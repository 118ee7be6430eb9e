"""Insert many rows at once, bypassing most of SQLAlchemy: every callback is stored by this module."""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Index, Table

from storage.database import driver_connection
from storage.tables import condition_of

MAX_ROWS = 32
"""Rows in one statement."""


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, unless_in: Index | None = None
) -> int:
    """Insert rows whose values are as the driver takes them; how many were inserted.

    All rows have the same keys, in the order of the table's columns. With `unless_in`, a unique index, rows that are
    already in it are skipped. SQLAlchemy's own work for each row and column would take longer than the database's.
    """
    dialect, names = connection.dialect.name, tuple(rows[0])
    if dialect != "sqlite":
        return connection.exec_driver_sql(_statement(dialect, table, names, unless_in, 0), list(rows)).rowcount
    driver = driver_connection(connection)
    inserted = at = 0
    while at < len(rows):
        # Several rows in one statement, because each statement releases the GIL; in powers of two, so that there are
        # few different statements to prepare.
        count = min(MAX_ROWS, 1 << (len(rows) - at).bit_length() - 1)
        values = tuple(chain.from_iterable(row.values() for row in rows[at : at + count]))
        inserted += driver.execute(_statement(dialect, table, names, unless_in, count), values).rowcount
        at += count
    return inserted


@cache
def _statement(dialect: str, table: Table, names: tuple[str, ...], unless_in: Index | None, count: int) -> str:
    """The SQL text of an insert of `count` rows with these columns, in this order; 0 is for `executemany`."""
    insert, its_dialect = _insert_of(dialect)
    statement = insert(table)
    if count:
        statement = statement.values([dict.fromkeys(names)] * count)
    if unless_in is not None:
        statement = statement.on_conflict_do_nothing(
            index_elements=list(unless_in.columns), index_where=condition_of(unless_in)
        )
    return str(statement.compile(dialect=its_dialect, column_keys=None if count else list(names)))


def _insert_of(dialect: str) -> tuple[Any, Dialect]:
    """The insert statement of a database, and its dialect; each is imported only where it is used."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert, sqlite.dialect()
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.dialects.postgresql import psycopg

    return postgresql.insert, psycopg.dialect()  # type: ignore[no-untyped-call]  # the library has no types here
