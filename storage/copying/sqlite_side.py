"""The end of a copy that is a SQLite file."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite

from storage.copying.layout import Layout, Row
from storage.copying.side import Side, insert_statement, on_conflict

BUSY_SECONDS = 60
CACHE_KIB = 256 * 1024


class SqliteSide(Side):
    """A SQLite journal. As a target it is synced at its end only: what a crash loses before is copied again."""

    mark = "?"

    def __init__(self, file: Path, *, writable: bool) -> None:
        self.dialect = sqlite.dialect()
        self._connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
        self._connection.execute("PRAGMA foreign_keys=OFF")  # rows of PostgreSQL may come in another order
        if writable:
            for pragma in ("synchronous=NORMAL", f"cache_size=-{CACHE_KIB}", "temp_store=MEMORY"):
                self._connection.execute(f"PRAGMA {pragma}")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement without rows."""
        self._connection.execute(statement, values)

    def insert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows that the table does not have."""
        self._connection.executemany(insert_statement(layout, self.mark), rows)

    def upsert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows, or put them in the place of those with the same key."""
        self._connection.executemany(f"{insert_statement(layout, self.mark)} {on_conflict(layout)}", rows)

    def sequence(self, layout: Layout) -> int:
        """The last number that the table has given to a row."""
        found = self.rows("SELECT seq FROM sqlite_sequence WHERE name = ?", [layout.name])
        return int(found[0][0]) if found else 0

    def set_sequence(self, layout: Layout, last: int) -> None:
        """Make the table give the next number after this one."""
        self.execute("DELETE FROM sqlite_sequence WHERE name = ?", [layout.name])
        self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [layout.name, last])

    def lock(self) -> None:
        """Take the one write lock that the file has."""
        self.execute("BEGIN IMMEDIATE")
        self.locked = True

    def has_index(self, name: str) -> bool:
        """Whether there is an index of that name."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?", [name]))

    def settle(self) -> None:
        """Check the references, count for the query planner, and move the log into the file, synced."""
        [broken] = self.rows("SELECT count(*) FROM pragma_foreign_key_check")
        if broken[0]:
            raise sqlite3.IntegrityError(f"{broken[0]} rows refer to rows that do not exist")
        for statement in ("PRAGMA synchronous=FULL", "PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)"):
            self._connection.execute(statement).fetchall()

    def close(self) -> None:
        """Close the connection."""
        with suppress(sqlite3.Error):
            self._connection.rollback()
        self._connection.close()
