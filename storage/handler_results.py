"""Recent results of handlers: the last result, and the number of failures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select

from storage.tables import attempts, callbacks, deliveries

NEWEST = 100_000
"""Deliveries to search for a last result: finished ones are in no index."""
FAILURES = ("failed", "late", "lost", "retry")
"""Results of attempts that count as failures; an attempt that a stop interrupted does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerResults:
    """The last result of a handler with its time and reason, and its failures since a moment."""

    at: datetime | None = None
    result: str = ""
    """done, dropped, dead, failed, late, lost or retry; for a question answered, fallback or failed."""
    reason: str = ""
    failures: int = 0

    def joined(self, other: "HandlerResults") -> "HandlerResults":
        """The combined results of two names, as of one handler."""
        newer = max(self, other, key=lambda one: one.at.timestamp() if one.at else 0.0)
        return HandlerResults(
            at=newer.at, result=newer.result, reason=newer.reason, failures=self.failures + other.failures
        )


def of_deliveries(connection: Connection, since: datetime) -> dict[str, HandlerResults]:
    """By the handler name of deliveries: the last result, and the attempts that failed since that moment."""
    found = {
        row.handler: HandlerResults(at=row.finished_at, result=row.state, reason=row.reason)
        for row in connection.execute(_LAST_FINISHED)
    }
    for name, failed in _failed_attempts(connection, since).items():
        found[name] = found.get(name, HandlerResults()).joined(failed)
    return found


_newest_finished = (
    select(func.max(deliveries.c.id))
    .where(
        deliveries.c.id > select(func.coalesce(func.max(deliveries.c.id), 0) - NEWEST).scalar_subquery(),
        deliveries.c.finished_at.is_not(None),
    )
    .group_by(deliveries.c.handler)
)
_LAST_FINISHED = select(deliveries.c.handler, deliveries.c.finished_at, deliveries.c.state, deliveries.c.reason).where(
    deliveries.c.id.in_(_newest_finished)
)


def _failed_attempts(connection: Connection, since: datetime) -> dict[str, HandlerResults]:
    failed = (
        select(deliveries.c.handler, func.count().label("failures"), func.max(attempts.c.started_at).label("newest"))
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(attempts.c.started_at >= since, attempts.c.result.in_(FAILURES))
        .group_by(deliveries.c.handler)
    )
    counted = {row.handler: row for row in connection.execute(failed)}
    newest = (
        select(deliveries.c.handler, attempts.c.started_at, attempts.c.result, attempts.c.error)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(attempts.c.started_at.in_({row.newest for row in counted.values()}))
    )
    return {
        row.handler: HandlerResults(
            at=row.started_at, result=row.result, reason=row.error, failures=counted[row.handler].failures
        )
        for row in connection.execute(newest)
        if row.handler in counted and row.started_at == counted[row.handler].newest
    }


def of_questions(connection: Connection, kinds: Iterable[str], since: datetime) -> dict[str, HandlerResults]:
    """By handler: its last question of these kinds since that moment, and its failures."""
    first = connection.execute(_FIRST_SINCE, {"since": since}).scalar_one_or_none()
    if first is None:
        return {}
    found: dict[str, HandlerResults] = {}
    for kind in kinds:
        for name, results in _of_kind(connection, kind, first, since).items():
            found[name] = found.get(name, HandlerResults()).joined(results)
    return found


_FIRST_SINCE = (
    select(callbacks.c.id)
    .where(callbacks.c.received_at >= bindparam("since"))
    .order_by(callbacks.c.received_at, callbacks.c.id)
    .limit(1)
)


def _of_kind(connection: Connection, kind: str, first: int, since: datetime) -> dict[str, HandlerResults]:
    asked = (
        select(
            func.max(callbacks.c.id).label("newest"),
            func.sum(case((callbacks.c.outcome == "answered", 0), else_=1)).label("failures"),
        )
        .where(
            callbacks.c.kind == kind,
            callbacks.c.id >= first,
            callbacks.c.received_at >= since,
            callbacks.c.answered_by.is_not(None),
        )
        .group_by(callbacks.c.answered_by)
    )
    failures: dict[int, int] = {row.newest: row.failures for row in connection.execute(asked)}
    newest = select(
        callbacks.c.id, callbacks.c.answered_by, callbacks.c.received_at, callbacks.c.outcome, callbacks.c.reason
    ).where(callbacks.c.id.in_(failures))
    return {
        row.answered_by: HandlerResults(
            at=row.received_at, result=row.outcome, reason=row.reason, failures=failures[row.id]
        )
        for row in connection.execute(newest)
    }
