"""Queue administration: find, requeue and drop deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from storage import journal, notifications
from storage.clock import now_us
from storage.queue import as_delivery, make_next_due
from storage.tables import callbacks, deliveries, from_microseconds
from storage.text import clean
from storage.values import Delivery, Filter, State, StoredCallback

REQUEUABLE = (State.DEAD, State.DROPPED, State.DUE)
DROPPABLE = (State.DEAD, State.DUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """A filter of deliveries; an empty field matches everything."""

    ids: Sequence[int] = ()
    states: Sequence[State] = ()
    handler: str = ""
    callbacks: Filter = field(default_factory=Filter)


def _matching(wanted: DeliveryFilter) -> Any:
    conditions = [
        deliveries.c.id.in_(wanted.ids) if wanted.ids else None,
        deliveries.c.state.in_(wanted.states) if wanted.states else None,
        deliveries.c.handler == wanted.handler if wanted.handler else None,
        journal.matching(wanted.callbacks),
    ]
    return and_(*(condition for condition in conditions if condition is not None))


def find(connection: Connection, wanted: DeliveryFilter, limit: int) -> list[tuple[Delivery, StoredCallback]]:
    """The newest `limit` deliveries that match with their callbacks, newest first; without their failures."""
    rows = connection.execute(
        select(deliveries)
        .join(callbacks, callbacks.c.id == deliveries.c.callback_id)
        .where(_matching(wanted))
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    found = [as_delivery(row) for row in rows]
    about = connection.execute(
        journal.SELECT_CALLBACK.where(callbacks.c.id.in_({delivery.callback_id for delivery in found}))
    )
    by_id = {row.id: journal.stored(row) for row in about}
    return [(delivery, by_id[delivery.callback_id]) for delivery in found]


def handler_names(connection: Connection) -> list[str]:
    """The names of all handlers that have deliveries, sorted. Reads every delivery."""
    return list(connection.execute(select(deliveries.c.handler).distinct().order_by(deliveries.c.handler)).scalars())


def states_of(connection: Connection, ids: Sequence[int]) -> dict[int, State]:
    """The states of the deliveries with these numbers; numbers that do not exist are left out."""
    rows = connection.execute(select(deliveries.c.id, deliveries.c.state).where(deliveries.c.id.in_(ids)))
    return {row.id: State(row.state) for row in rows}


def requeue(connection: Connection, wanted: DeliveryFilter) -> int:
    """Make dead, dropped and waiting deliveries due now, with all their attempts again; how many.

    A delivery whose callback already waits for the same handler, as after a replay, is left unchanged.
    """
    now = from_microseconds(now_us(connection))
    waiting = deliveries.alias("waiting")
    doubled = (
        select(waiting.c.id)
        .where(
            waiting.c.callback_id == deliveries.c.callback_id,
            waiting.c.handler == deliveries.c.handler,
            waiting.c.id != deliveries.c.id,
            waiting.c.due_at.is_not(None),
        )
        .exists()
    )
    # Of several dead deliveries of one callback to one handler only the newest is requeued.
    newest = (
        select(func.max(deliveries.c.id))
        .join(callbacks, callbacks.c.id == deliveries.c.callback_id)
        .where(_matching(wanted), deliveries.c.state.in_(REQUEUABLE), ~doubled)
        .group_by(deliveries.c.callback_id, deliveries.c.handler)
    )
    requeued = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(newest), deliveries.c.state.in_(REQUEUABLE))
        .values(state=State.DUE, due_at=now, forgiven=deliveries.c.attempts, worker="", finished_at=None)
    )
    notifications.notify(connection)
    return int(requeued.rowcount)


def drop(connection: Connection, wanted: DeliveryFilter, reason: str) -> int:
    """Drop waiting and dead deliveries; how many."""
    now = now_us(connection)
    unwanted = (
        select(deliveries.c.id)
        .join(callbacks, callbacks.c.id == deliveries.c.callback_id)
        .where(_matching(wanted), deliveries.c.state.in_(DROPPABLE))
    )
    dropped = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(unwanted), deliveries.c.state.in_(DROPPABLE))
        .values(state=State.DROPPED, due_at=None, reason=clean(reason), finished_at=from_microseconds(now))
        .returning(deliveries.c.id)
    )
    ids = list(dropped.scalars())
    make_next_due(connection, ids, now)
    return len(ids)
