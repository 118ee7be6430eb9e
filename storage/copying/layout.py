"""What is copied: every table of the journal, with its columns as the drivers have them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from sqlalchemy import Boolean, Dialect, Index, Table, Text
from sqlalchemy.schema import CreateIndex, DropIndex

from storage.tables import (
    attempts,
    callbacks,
    condition_of,
    content_index,
    deliveries,
    metadata,
    schema_compatibility,
    unfinished_index,
)

Row = tuple[Any, ...]
Key = tuple[Any, ...]

UNIQUE = (content_index, unfinished_index)
"""Indexes that the target gets at the very end. While rows change at the source, each page is right only by itself."""


@dataclass(frozen=True)
class Layout:
    """One table: its columns, and those that rows are ordered and found by."""

    table: Table

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """All columns, in the order of the rows."""
        return tuple(column.name for column in self.table.columns)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column.name for column in self.table.primary_key.columns)

    @cached_property
    def text_keys(self) -> frozenset[str]:
        """The columns of the key with texts, which databases order in different ways unless they are told how."""
        return frozenset(column.name for column in self.table.primary_key.columns if isinstance(column.type, Text))

    @cached_property
    def booleans(self) -> tuple[int, ...]:
        """Where the truth values are in a row: SQLite has 0 and 1 there."""
        return tuple(at for at, column in enumerate(self.table.columns) if isinstance(column.type, Boolean))

    @property
    def has_sequence(self) -> bool:
        """Whether the database numbers the rows."""
        return self.table.autoincrement_column is not None

    @cached_property
    def key_of(self) -> Callable[[Row], Key]:
        """The key of a row."""
        at = [self.columns.index(name) for name in self.key]
        return itemgetter(slice(at[0], at[-1] + 1))  # the key's columns come one after the other, in its order


CALLBACKS, DELIVERIES, ATTEMPTS = Layout(callbacks), Layout(deliveries), Layout(attempts)
LARGE = (CALLBACKS, DELIVERIES, ATTEMPTS)
"""Their rows are added at the end and seldom change. All other tables are small, and compared each time."""
ALL = tuple(Layout(table) for table in metadata.sorted_tables if table is not schema_compatibility)
"""Every table; those that others refer to come first."""


def secondary_indexes() -> list[Index]:
    """The indexes of the large tables that slow down the copy and are not needed meanwhile."""
    return sorted((index for one in LARGE for index in one.table.indexes), key=lambda index: str(index.name))


def create_index(index: Index, dialect: Dialect) -> str:
    """The statement that creates an index unless it exists."""
    statement = str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect))
    if "where" not in index.info:
        return statement
    where = condition_of(index).compile(dialect=dialect, compile_kwargs={"literal_binds": True, "include_table": False})
    return f"{statement} WHERE {where}"


def drop_index(index: Index, dialect: Dialect) -> str:
    """The statement that drops an index if it exists."""
    return str(DropIndex(index, if_exists=True).compile(dialect=dialect))
