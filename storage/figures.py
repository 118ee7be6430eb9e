"""Figures of the journal that operators watch. Each is read from an index, also in a journal of millions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, literal_column, select

from storage.clock import now_us
from storage.tables import callbacks, deliveries, from_microseconds, refusals

_DEAD = deliveries.c.state == literal_column("'dead'")


@dataclass(frozen=True, slots=True)
class Backlog:
    """The deliveries to one handler that are due and wait for a worker."""

    handler: str
    count: int
    age: timedelta
    """How long the oldest of them has been due."""


def dead_since(connection: Connection, since: datetime) -> dict[str, int]:
    """How many deliveries died since then and are still dead, by handler."""
    dead = select(deliveries.c.handler, func.count()).where(_DEAD, deliveries.c.finished_at >= since)
    rows = connection.execute(dead.group_by(deliveries.c.handler).order_by(deliveries.c.handler))
    return {handler: int(count) for handler, count in rows}


def dead_count(connection: Connection) -> int:
    """How many deliveries are dead."""
    return int(connection.execute(select(func.count()).where(_DEAD)).scalar_one())


def backlog(connection: Connection) -> list[Backlog]:
    """What is due and waits, by handler; neither retries that are due later nor what waits for its call."""
    now = from_microseconds(now_us(connection))
    oldest = func.min(deliveries.c.due_at)
    due = select(deliveries.c.handler, func.count(), oldest).where(deliveries.c.due_at <= now)
    rows = connection.execute(due.group_by(deliveries.c.handler).order_by(deliveries.c.handler))
    return [Backlog(handler, int(count), now - due_at) for handler, count, due_at in rows]


def outcomes(connection: Connection, since: datetime) -> dict[str, int]:
    """How many callbacks had each outcome since then."""
    rows = connection.execute(
        select(callbacks.c.outcome, func.count()).where(callbacks.c.received_at >= since).group_by(callbacks.c.outcome)
    )
    return {outcome: int(count) for outcome, count in rows}


def refused(connection: Connection, since: datetime, until: datetime) -> int:
    """How many requests were rejected within that time, as far as they are kept."""
    within = select(func.coalesce(func.sum(refusals.c.times), 0))
    return int(connection.execute(within.where(refusals.c.at >= since, refusals.c.at < until)).scalar_one())
