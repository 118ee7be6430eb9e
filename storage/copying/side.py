"""One end of a copy: rows of a journal as the database's driver has them, in the order of their keys.

Both databases give and take the same rows, so that rows can be compared and hashed. SQLAlchemy is passed by: a million
rows would take minutes in it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from sqlalchemy import Dialect

from storage.copying.layout import DELIVERIES, UNIQUE, Key, Layout, Row, create_index, drop_index, secondary_indexes


class Side(ABC):
    """A connection to one journal. Each statement is its own transaction, except in `transaction`."""

    mark: str
    """How the driver writes a parameter."""
    dialect: Dialect
    locked = False
    """Whether `lock` was called."""

    @abstractmethod
    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, in the values of SQLite."""

    @abstractmethod
    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run a statement without rows."""

    @abstractmethod
    def insert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows that the table does not have."""

    @abstractmethod
    def upsert(self, layout: Layout, rows: Sequence[Row]) -> None:
        """Add rows, or put them in the place of those with the same key."""

    @abstractmethod
    def sequence(self, layout: Layout) -> int:
        """The last number that the table has given to a row."""

    @abstractmethod
    def set_sequence(self, layout: Layout, last: int) -> None:
        """Make the table give the next number after this one."""

    @abstractmethod
    def lock(self) -> None:
        """Begin a transaction in which nothing else can write to the journal."""

    @abstractmethod
    def has_index(self, name: str) -> bool:
        """Whether there is an index of that name."""

    @abstractmethod
    def settle(self) -> None:
        """Bring the database into the state in which a receiver finds it best."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Statements in one transaction."""
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Queries that see one moment; within `lock` they do anyway."""
        if self.locked:
            yield
            return
        with self.transaction():
            yield

    def page(self, layout: Layout, after: Key | None, upto: Key | None, limit: int | None = None) -> list[Row]:
        """Rows whose keys are above `after` and not above `upto`, by key, at most `limit`; None is no bound."""
        conditions: list[str] = []
        values: list[Any] = []
        for bound, comparison in ((after, ">"), (upto, "<=")):
            if bound is not None:
                conditions.append(f"{self._key(layout)} {comparison} ({self._marks(len(bound))})")
                values += bound
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        end = f" LIMIT {limit:d}" if limit is not None else ""
        order = ", ".join(self._ordered(layout))
        return self.rows(f"SELECT {_names(layout.columns)} FROM {layout.name}{where} ORDER BY {order}{end}", values)

    def with_ids(self, layout: Layout, column: str, ids: Sequence[int]) -> list[Row]:
        """The rows with one of these numbers in a column."""
        wanted = f"{column} IN ({self._marks(len(ids))})"
        return self.rows(f"SELECT {_names(layout.columns)} FROM {layout.name} WHERE {wanted}", ids) if ids else []

    def last_key(self, layout: Layout) -> Key | None:
        """The highest key; None in an empty table."""
        order = ", ".join(f"{name} DESC" for name in self._ordered(layout))
        found = self.rows(f"SELECT {_names(layout.key)} FROM {layout.name} ORDER BY {order} LIMIT 1")
        return found[0] if found else None

    def count(self, layout: Layout) -> int:
        """How many rows there are."""
        return int(self.rows(f"SELECT count(*) FROM {layout.name}")[0][0])

    def delete(self, layout: Layout, keys: Sequence[Key]) -> None:
        """Delete the rows with these keys."""
        for key in keys:
            same = " AND ".join(f"{name} = {self.mark}" for name in layout.key)
            self.execute(f"DELETE FROM {layout.name} WHERE {same}", key)

    def unfinished(self, after: int, limit: int) -> list[int]:
        """The numbers of the next deliveries that are not finished."""
        wanted = f"due_at IS NOT NULL AND id > {self.mark}"
        found = self.rows(f"SELECT id FROM {DELIVERIES.name} WHERE {wanted} ORDER BY id LIMIT {limit:d}", [after])
        return [row[0] for row in found]

    def revision(self) -> str:
        """The revision of the tables."""
        return str(self.rows("SELECT version_num FROM alembic_version")[0][0])

    def drop_indexes(self) -> None:
        """Without them rows are added several times as fast."""
        for index in secondary_indexes():
            self.execute(drop_index(index, self.dialect))

    def create_indexes(self, *, unique: bool) -> None:
        """Create those that are missing; `unique` also those that hold only once all rows are there."""
        for index in secondary_indexes():
            if unique or index not in UNIQUE:
                self.execute(create_index(index, self.dialect))

    def _key(self, layout: Layout) -> str:
        return f"({', '.join(self._ordered(layout))})"

    def _ordered(self, layout: Layout) -> list[str]:
        return list(layout.key)

    def _marks(self, count: int) -> str:
        return ", ".join([self.mark] * count)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def insert_statement(layout: Layout, mark: str) -> str:
    """An insert of one row."""
    marks = ", ".join([mark] * len(layout.columns))
    return f"INSERT INTO {layout.name} ({_names(layout.columns)}) VALUES ({marks})"


def on_conflict(layout: Layout) -> str:
    """What an insert does where a row has the same key: it takes its place."""
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in layout.columns if name not in layout.key)
    return f"ON CONFLICT ({_names(layout.key)}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")
