"""Retention: delete or blank old callbacks. What has not been delivered is never touched."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, literal_column, select, union, union_all, update

from storage.tables import attempts, callbacks, deliveries, fetched
from storage.values import State

BLANKED = "blanked"
"""The note of a callback whose bytes were blanked."""


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete at most `limit` callbacks received before that moment, with their deliveries; how many."""
    ids = _settled(connection, before, limit, callbacks.c.id > 0)
    if ids:
        gone = select(deliveries.c.id).where(deliveries.c.callback_id.in_(ids))
        connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(gone)))
        connection.execute(delete(deliveries).where(deliveries.c.callback_id.in_(ids)))
        connection.execute(delete(fetched).where(fetched.c.callback_id.in_(ids)))
        connection.execute(delete(callbacks).where(callbacks.c.id.in_(ids)))
    return len(ids)


def blank(connection: Connection, before: datetime, limit: int) -> int:
    """Empty the bytes of at most `limit` callbacks received before that moment and keep the rows; how many."""
    ids = _settled(connection, before, limit, _has_bytes())
    if ids:
        connection.execute(
            update(callbacks)
            .where(callbacks.c.id.in_(ids))
            .values(
                body=b"",
                query=b"",
                reply_body=b"",
                headers="",
                call_state=None,
                notes=callbacks.c.notes + f"\n{BLANKED}",
            )
        )
    return len(ids)


def count(connection: Connection, before: datetime, *, bodies_only: bool = False) -> int:
    """How many callbacks `prune`, or `blank`, would find.

    For `prune` that is the number of old callbacks less those that are kept: both are read from indexes alone. For
    `blank` each old row is read.
    """
    if bodies_only:
        found = _old(before, _has_bytes()).subquery()
        return int(connection.execute(select(func.count()).select_from(found)).scalar_one())
    old = select(func.count()).select_from(callbacks).where(callbacks.c.received_at < before)
    kept = select(func.count()).select_from(_kept(before).subquery())
    return int(connection.execute(old).scalar_one()) - int(connection.execute(kept).scalar_one())


def _kept(before: datetime) -> Any:
    """Old callbacks that are not settled: of each request with an open delivery, its first part and all others."""
    waiting = select(deliveries.c.callback_id).where(deliveries.c.due_at.is_not(None))
    dead = select(deliveries.c.callback_id).where(deliveries.c.state == literal_column("'dead'"))  # as in the index
    opened = union(waiting, dead).subquery()
    heads = select(_head.label("id")).join(opened, opened.c.callback_id == callbacks.c.id).distinct().cte("heads")
    first = select(callbacks.c.id).join(heads, heads.c.id == callbacks.c.id)
    others = select(callbacks.c.id).join(heads, heads.c.id == callbacks.c.part_of)
    return union_all(*(one.where(callbacks.c.received_at < before) for one in (first, others)))


def _has_bytes() -> Any:
    return func.length(callbacks.c.body) + func.length(callbacks.c.query) + func.length(callbacks.c.reply_body) > 0


def _old(before: datetime, condition: Any) -> Any:
    return select(callbacks.c.id).where(
        callbacks.c.received_at < before, condition, ~_open(callbacks.c.id), ~_open(_head), ~_open_in_a_part()
    )


def _settled(connection: Connection, before: datetime, limit: int, condition: Any) -> list[int]:
    """Old callbacks whose deliveries, and those of the other parts of their request, are done or dropped."""
    old = _old(before, condition).order_by(callbacks.c.received_at).limit(limit).with_for_update(skip_locked=True)
    return list(connection.execute(old).scalars())


_head = func.coalesce(callbacks.c.part_of, callbacks.c.id)
_OPEN = (State.DUE, State.RUNNING, State.DEAD)


def _open(callback_id: Any) -> Any:
    """Whether that callback waits for a handler."""
    waiting = select(deliveries.c.id).where(deliveries.c.callback_id == callback_id, deliveries.c.state.in_(_OPEN))
    return waiting.correlate(callbacks).exists()


def _open_in_a_part() -> Any:
    """Whether another part of the same request waits for a handler: its body is with the first part."""
    part = callbacks.alias("part")
    waiting = (
        select(deliveries.c.id)
        .join(part, part.c.id == deliveries.c.callback_id)
        .where(part.c.part_of == _head, deliveries.c.state.in_(_OPEN))
    )
    return waiting.correlate(callbacks).exists()
