"""Check a journal for what must never be: rows without what they refer to, missing contents, missing indexes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, inspect, literal_column, select

from storage.retention import BLANKED
from storage.tables import attempts, callbacks, content_index, deliveries, fetched, metadata, unfinished_index

SPAN = 100_000
"""Numbers that one query covers, so that none takes long in a large journal."""
LISTED = 10
"""Numbers of rows that a finding names."""
UNIQUE = {content_index.name, unfinished_index.name}

OnRows = Callable[[int, int], None]
"""Called after each query, with the numbers that are done and the highest."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Rows that are not as they must be: how many, and the first of their numbers."""

    count: int
    first: tuple[int, ...] = ()


def _orphans(child: Any, parent: Any) -> Select[Any]:
    """The values of a column that refer to no row."""
    return select(child).outerjoin(parent.table, child == parent).where(parent.is_(None), child.is_not(None))


REFERENCES: dict[str, tuple[Any, Any]] = {
    "attempts without their delivery": (attempts.c.delivery_id, deliveries.c.id),
    "deliveries without their callback": (deliveries.c.callback_id, callbacks.c.id),
    "fetched records without their callback": (fetched.c.callback_id, callbacks.c.id),
}
"""References that a running receiver keeps whole, in the order in which orphans can be deleted."""


def orphans(connection: Connection, name: str, on_rows: OnRows) -> Broken:
    """The rows of one of REFERENCES that refer to nothing."""
    child, parent = REFERENCES[name]
    return _search(connection, child, lambda: _orphans(child, parent), on_rows)


def delete_orphans(connection: Connection, name: str) -> int:
    """Delete them: no worker can run a delivery without its callback. How many."""
    child, parent = REFERENCES[name]
    missing = _orphans(child, parent).scalar_subquery()
    if child is deliveries.c.callback_id:
        without = select(deliveries.c.id).where(child.in_(missing))
        connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(without)))
    return int(connection.execute(delete(child.table).where(child.in_(missing))).rowcount)


def parts_without_body(connection: Connection, on_rows: OnRows) -> Broken:
    """Callbacks whose request's first part, which holds the body, is gone."""
    head = callbacks.alias("head")

    def query() -> Select[Any]:
        joined = callbacks.outerjoin(head, callbacks.c.part_of == head.c.id)
        return select(callbacks.c.id).select_from(joined).where(callbacks.c.part_of.is_not(None), head.c.id.is_(None))

    return _search(connection, callbacks.c.id, query, on_rows)


def without_content(connection: Connection, on_rows: OnRows) -> Broken:
    """Callbacks that were understood and have no bytes any more, although retention has not blanked them."""

    def query() -> Select[Any]:
        return select(callbacks.c.id).where(
            func.length(callbacks.c.body) == 0,
            func.length(callbacks.c.query) == 0,
            callbacks.c.part_of.is_(None),
            callbacks.c.outcome.in_(("accepted", "answered")),
            callbacks.c.notes.not_like(f"%{BLANKED}%"),
        )

    return _search(connection, callbacks.c.id, query, on_rows)


def quick_check(connection: Connection) -> str:
    """What SQLite's own check of the file finds; empty if it is sound. PostgreSQL checks its pages when it reads."""
    if connection.dialect.name != "sqlite":
        return ""
    found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
    return "" if found == ["ok"] else "; ".join(found)


def missing_indexes(connection: Connection) -> list[str]:
    """The names of indexes that are not there."""
    found = inspect(connection)
    return [
        str(index.name)
        for table in metadata.sorted_tables
        if found.has_table(table.name)
        for index in sorted(table.indexes, key=lambda one: str(one.name))
        if index.name not in {one["name"] for one in found.get_indexes(table.name)}
    ]


def create_indexes(connection: Connection, names: Sequence[str]) -> None:
    """Create indexes that are missing, but for the unique ones, which an unfinished copy does not have yet."""
    for table in metadata.sorted_tables:
        for index in table.indexes:
            if index.name in names and index.name not in UNIQUE:
                index.create(connection)


def dead_deliveries(connection: Connection) -> int:
    """How many deliveries have failed for good; by their index."""
    dead = deliveries.c.state == literal_column("'dead'")
    return int(connection.execute(select(func.count()).select_from(deliveries).where(dead)).scalar_one())


def _search(connection: Connection, number: Any, query: Callable[[], Select[Any]], on_rows: OnRows) -> Broken:
    """The numbers that a query finds, searched in spans."""
    count = 0
    first: list[int] = []
    for above, upto, last in _spans(connection, number):
        found = list(connection.execute(query().where(number > above, number <= upto)).scalars())
        count += len(found)
        first += found[: LISTED - len(first)]
        on_rows(min(upto, last), last)
    return Broken(count, tuple(first))


def _spans(connection: Connection, number: Any) -> Iterator[tuple[int, int, int]]:
    lowest, last = connection.execute(select(func.min(number), func.max(number))).one()
    if last is not None:
        for above in range(lowest - 1, last, SPAN):
            yield above, above + SPAN, last
