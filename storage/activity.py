"""When providers called, hour by hour: learned from the journal, and kept when callbacks are pruned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, delete, func, insert, select, type_coerce

from storage.tables import activity, callbacks, fetched, from_microseconds

HOUR_US = 3_600_000_000
_FETCHED = select(fetched.c.callback_id).where(fetched.c.callback_id == callbacks.c.id).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class HourOfActivity:
    """The callbacks of one provider within one hour, of which there is at least one."""

    provider: str
    hour: datetime
    """When it began, in UTC."""
    callbacks: int
    first_at: datetime
    last_at: datetime
    longest_gap: timedelta
    """Between two callbacks of this hour."""


def summarise(connection: Connection, since: datetime, until: datetime) -> list[HourOfActivity]:
    """The activity from one full hour to another one, by the journal. Records that a call log brought do not count."""
    at = type_coerce(callbacks.c.received_at, BigInteger)
    hour: ColumnElement[Any] = at - at % HOUR_US
    before = func.lag(at).over(partition_by=[callbacks.c.provider, hour], order_by=at)
    each = (
        select(callbacks.c.provider, hour.label("hour"), at.label("at"), (at - before).label("gap"))
        .where(callbacks.c.received_at >= since, callbacks.c.received_at < until, ~_FETCHED)
        .subquery()
    )
    rows = connection.execute(
        select(
            each.c.provider,
            each.c.hour,
            func.count(),
            func.min(each.c.at),
            func.max(each.c.at),
            func.coalesce(func.max(each.c.gap), 0),
        )
        .group_by(each.c.provider, each.c.hour)
        .order_by(each.c.provider, each.c.hour)
    )
    return [
        HourOfActivity(
            provider=provider,
            hour=from_microseconds(int(began)),
            callbacks=int(count),
            first_at=from_microseconds(int(first)),
            last_at=from_microseconds(int(last)),
            longest_gap=timedelta(microseconds=int(gap)),
        )
        for provider, began, count, first, last, gap in rows
    ]


def add(connection: Connection, hours: Sequence[HourOfActivity]) -> None:
    """Store hours in place of what is stored of them."""
    for one in hours:
        connection.execute(delete(activity).where(activity.c.provider == one.provider, activity.c.hour == one.hour))
        connection.execute(
            insert(activity).values(
                provider=one.provider,
                hour=one.hour,
                callbacks=one.callbacks,
                first_at=one.first_at,
                last_at=one.last_at,
                longest_gap_us=one.longest_gap // timedelta(microseconds=1),
            )
        )


def load(connection: Connection, since: datetime) -> list[HourOfActivity]:
    """The stored hours from then on, by provider and in order."""
    wanted = select(activity).where(activity.c.hour >= since).order_by(activity.c.provider, activity.c.hour)
    return [
        HourOfActivity(
            provider=row.provider,
            hour=row.hour,
            callbacks=row.callbacks,
            first_at=row.first_at,
            last_at=row.last_at,
            longest_gap=timedelta(microseconds=row.longest_gap_us),
        )
        for row in connection.execute(wanted)
    ]


def prune(connection: Connection, before: datetime) -> None:
    """Delete the hours before that moment."""
    connection.execute(delete(activity).where(activity.c.hour < before))


def last_callbacks(connection: Connection, since: datetime) -> dict[str, datetime]:
    """When each provider called last, of those that called since then."""
    last = select(callbacks.c.provider, func.max(callbacks.c.received_at))
    rows = connection.execute(last.where(callbacks.c.received_at >= since, ~_FETCHED).group_by(callbacks.c.provider))
    return {provider: at for provider, at in rows}  # noqa: C416 - a row is not a pair to the type checker


def first_callback_at(connection: Connection) -> datetime | None:
    """When the oldest callback of the journal was received."""
    return connection.execute(select(func.min(callbacks.c.received_at))).scalar_one_or_none()
