"""The end of a copy that is a PostgreSQL database."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL
from sqlalchemy import URL
from sqlalchemy.dialects import postgresql

from storage.copying.layout import ALL, LARGE, Layout, Row
from storage.copying.side import Side, on_conflict

CONNECT_SECONDS = 10
LOCK_SECONDS = 60
_OPTIONS = f"-c statement_timeout=0 -c lock_timeout={LOCK_SECONDS}s -c timezone=UTC -c client_encoding=UTF8"


class PostgresqlSide(Side):
    """A PostgreSQL journal, without the limit that the receiver has on the time of a statement."""

    mark = "%s"

    def __init__(self, url: URL) -> None:
        make_dialect: Any = postgresql.dialect
        self.dialect = make_dialect()
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        options = str(url.query.get("options", _OPTIONS))
        self._connection = psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options)
        self._types: dict[str, list[int]] = {}

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query; truth values as 0 and 1, as SQLite has them."""
        with self._connection.cursor(binary=True) as cursor:
            cursor.execute(_sql(statement), values or None)
            booleans = [at for at, column in enumerate(cursor.description or ()) if column.type_code == _BOOLEAN]
            found: list[Row] = cursor.fetchall()
        return [_with(row, booleans, int) for row in found] if booleans else found

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement without rows."""
        self._connection.execute(_sql(statement), values or None)

    def insert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows that the table does not have, with COPY."""
        self._copy(layout, layout.name, rows)

    def upsert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows, or put them in the place of those with the same key, from a temporary table."""
        with self._connection.transaction():
            self.execute(f"CREATE TEMPORARY TABLE copied (LIKE {layout.name}) ON COMMIT DROP")
            self._copy(layout, "copied", rows)
            self.execute(f"INSERT INTO {layout.name} SELECT * FROM copied {on_conflict(layout)}")
            self.execute("DROP TABLE copied")

    def sequence(self, layout: Layout) -> int:
        """The last number that the table has given to a row."""
        name = self._sequence_of(layout)
        [(last, called)] = self.rows(f"SELECT last_value, is_called FROM {name}")
        return int(last) if called else 0

    def set_sequence(self, layout: Layout, last: int) -> None:
        """Make the table give the next number after this one."""
        self.rows("SELECT setval(%s::regclass, %s, %s)", [self._sequence_of(layout), max(last, 1), last > 0])

    def lock(self) -> None:
        """Begin a transaction in which others can read the tables, and wait if they write."""
        self.execute("BEGIN")
        self.execute(f"LOCK TABLE {', '.join(one.name for one in ALL)} IN SHARE MODE")
        self.locked = True

    def has_index(self, name: str) -> bool:
        """Whether there is an index of that name."""
        return bool(self.rows("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [name]))

    def settle(self) -> None:
        """Count for the query planner: without that the first queries after the copy read whole tables."""
        self.execute(f"ANALYZE {', '.join(one.name for one in LARGE)}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _copy(self, layout: Layout, into: str, rows: Sequence[Row]) -> None:
        columns = ", ".join(f'"{name}"' for name in layout.columns)
        statement = _sql(f"COPY {into} ({columns}) FROM STDIN (FORMAT BINARY)")
        types = self._types_of(layout)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(_with(row, layout.booleans, bool) if layout.booleans else row)

    def _types_of(self, layout: Layout) -> list[int]:
        """The types of the columns, which a binary COPY must be given exactly."""
        if layout.name not in self._types:
            columns = ", ".join(f'"{name}"' for name in layout.columns)
            cursor = self._connection.execute(_sql(f"SELECT {columns} FROM {layout.name} LIMIT 0"))
            self._types[layout.name] = [column.type_code for column in cursor.description or ()]
        return self._types[layout.name]

    def _sequence_of(self, layout: Layout) -> str:
        return str(self.rows("SELECT pg_get_serial_sequence(%s, 'id')", [layout.name])[0][0])

    def _ordered(self, layout: Layout) -> list[str]:
        """Texts in the order of their bytes, as SQLite has them."""
        return [f'{name} COLLATE "C"' if name in layout.text_keys else name for name in layout.key]


_BOOLEAN = 16
"""The number of PostgreSQL's type boolean."""


def _with(row: Row, places: Sequence[int], convert: type) -> Row:
    values = list(row)
    for at in places:
        values[at] = convert(values[at])
    return tuple(values)


def _sql(text: str) -> SQL:
    return SQL(text)  # made of names of tables and columns, never of values
