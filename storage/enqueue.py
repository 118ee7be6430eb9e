"""Create deliveries, for callbacks as they are stored and for replays."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from storage import notifications
from storage.bulk_insert import insert_rows
from storage.clock import now_us
from storage.numbering import next_numbers
from storage.tables import deliveries, unfinished_index
from storage.text import clean
from storage.values import NewDelivery, State

Leased = dict[int, list[tuple[str, int]]]
"""The leased deliveries of each callback: handler names with delivery numbers."""


def enqueue(connection: Connection, new: Sequence[NewDelivery]) -> tuple[int, Leased]:
    """Create deliveries and wake the workers; how many were created, and which of them were leased.

    A callback that already waits for a handler is not queued again for it: a unique index ensures that. Leases are
    granted on SQLite only, and never past an unfinished delivery of the same call to the same handler.
    """
    if not new:
        return 0, {}
    now = now_us(connection)
    rows = [_row(one, now) for one in new]
    leased = _lease(connection, new, rows, now) if connection.dialect.name == "sqlite" else {}
    created = insert_rows(connection, deliveries, rows, unless_in=unfinished_index)
    notifications.notify(connection)
    return created, leased


def _row(new: NewDelivery, now: int) -> dict[str, Any]:
    return {
        "callback_id": new.callback_id,
        "handler": new.handler,
        "call_key": clean(new.call_key) or f"#{new.callback_id}",
        "state": State.DUE.value,
        "due_at": now + int(new.after_seconds * 1_000_000),
        "attempts": 0,
        "forgiven": 0,
        "worker": "",
        "reason": "",
        "replay_id": new.replay_id,
    }


def _lease(connection: Connection, new: Sequence[NewDelivery], rows: list[dict[str, Any]], now: int) -> Leased:
    """Turn the rows of requested leases into running deliveries with numbers."""
    leased: Leased = {}
    requests = [one.lease is not None and one.handler in one.lease.handlers for one in new]
    if not any(requests):
        return leased
    numbers = next_numbers(connection, "deliveries", len(rows))
    busy = _unfinished(connection, rows)
    for place, (one, number, is_requested) in enumerate(zip(new, numbers, requests, strict=True)):
        row = rows[place] = {"id": number, **rows[place]}
        order = (row["handler"], row["call_key"])
        if is_requested and one.lease is not None and order not in busy:
            row |= {"state": State.RUNNING.value, "worker": one.lease.worker, "attempts": 1}
            row["due_at"] = now + int(one.lease.seconds * 1_000_000)
            leased.setdefault(one.callback_id, []).append((one.handler, number))
        busy.add(order)
    return leased


def _unfinished(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Handlers and call keys, among those of these rows, that have an unfinished delivery."""
    found = select(deliveries.c.handler, deliveries.c.call_key).where(
        deliveries.c.handler.in_({row["handler"] for row in rows}),
        deliveries.c.call_key.in_({row["call_key"] for row in rows}),
        deliveries.c.due_at.is_not(None),
    )
    return {(row.handler, row.call_key) for row in connection.execute(found)}
