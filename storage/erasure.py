"""Erasure of personal data in stored texts and bytes: a page of rows at a time, so that memory stays constant."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Table, func, select, update

from storage.tables import attempts, audit, callbacks, deliveries, placed_calls, refusals, replays

Mask = Callable[[bytes, str], bytes]
"""Returns bytes without the personal data, given their format such as "json"; the same bytes if there is none."""


class Place(Enum):
    """Where personal data is stored: a table, the number it is paged by, and the columns that may hold some."""

    CALLBACKS = (
        callbacks,
        "id",
        ("body", "query", "path", "headers", "call_id", "reason", "notes", "reply_body", "call_state"),
    )
    DELIVERIES = (deliveries, "id", ("reason", "call_key"))
    ATTEMPTS = (attempts, "delivery_id", ("error", "traceback"))
    REFUSALS = (refusals, "id", ("path",))
    PLACED_CALLS = (placed_calls, "id", ("call_id",))
    REPLAYS = (replays, "id", ("why", "what"))
    AUDIT = (audit, "id", ("about",))

    def __init__(self, table: Table, key: str, columns: tuple[str, ...]) -> None:
        self.table = table
        self.key = table.c[key]
        self.columns = columns


@dataclass(frozen=True, slots=True)
class Page:
    """The result of one page: its last number, how many rows were read, and how many were changed."""

    last: int
    seen: int
    changed: int


def prepare(connection: Connection) -> None:
    """Make SQLite overwrite deleted data, instead of leaving it in free pages of the file."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def count(connection: Connection, place: Place) -> int:
    """How many rows there are."""
    return int(connection.execute(select(func.count()).select_from(place.table)).scalar_one())


def find_page(connection: Connection, place: Place, mask: Mask, after: int, limit: int) -> tuple[Page, list[int]]:
    """Which of the next rows the mask would change: the numbers of their callbacks, or of other rows their own."""
    rows = _next_rows(connection, place, after, limit)
    found = [row[place.key.name] for row in rows if _masked(row, place.columns, mask)]
    if place in {Place.DELIVERIES, Place.ATTEMPTS}:
        of_them = select(deliveries.c.callback_id).where(deliveries.c.id.in_(found))
        found = list(connection.execute(of_them).scalars())
    return Page(max((row[place.key.name] for row in rows), default=after), len(rows), len(found)), found


def mask_page(connection: Connection, place: Place, mask: Mask, after: int, limit: int, *, only_count: bool) -> Page:
    """Mask the next rows after that number, or only count those that would change."""
    rows = _next_rows(connection, place, after, limit)
    changed = 0
    for row in rows:
        masked = _masked(row, place.columns, mask)
        if not masked:
            continue
        changed += 1
        if only_count:
            continue
        if place is Place.CALLBACKS:
            # The hash of the original content would reveal the number to a brute-force search.
            masked["content_hash"] = secrets.token_bytes(16)
        same = [column == row[column.name] for column in place.table.primary_key]
        connection.execute(update(place.table).where(*same).values(masked))
    return Page(max((row[place.key.name] for row in rows), default=after), len(rows), changed)


def _next_rows(connection: Connection, place: Place, after: int, limit: int) -> Sequence[Mapping[Any, Any]]:
    keys = select(place.key).where(place.key > after).distinct().order_by(place.key).limit(limit)
    return connection.execute(select(place.table).where(place.key.in_(keys.scalar_subquery()))).mappings().all()


def _masked(row: Mapping[Any, Any], columns: tuple[str, ...], mask: Mask) -> dict[str, Any]:
    """The columns that change, with their new values."""
    changes: dict[str, Any] = {}
    for name in columns:
        value = row[name]
        if value is None:
            continue
        if isinstance(value, str):
            new: str | bytes = mask(value.encode(), "").decode()
        else:
            new = mask(bytes(value), _format_of(row, name))
        if new != value:
            changes[name] = new
    return changes


def _format_of(row: Mapping[Any, Any], column: str) -> str:
    if column == "call_state":
        return "json"
    if column == "reply_body":
        return "json" if "json" in row["reply_type"] else ""
    return str(row["format"]) if column == "body" else ""
