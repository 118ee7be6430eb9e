"""The latest rejected requests, for operators who search for a missing callback."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from storage.tables import refusals
from storage.text import clean

KEPT = 1_000
"""Older ones are deleted, so that unauthenticated senders cannot fill the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRequest:
    """One or several equal rejected requests; `at` is the time of the last one, `size` is in bytes."""

    at: datetime
    reason: str
    address: str
    path: str
    size: int
    times: int


def add(connection: Connection, new: Sequence[RejectedRequest]) -> None:
    """Store rejected requests, and delete all but the latest KEPT."""
    rows = [
        {
            "at": one.at,
            "reason": one.reason,
            "address": clean(one.address),
            "path": clean(one.path),
            "size": one.size,
            "times": one.times,
        }
        for one in new
    ]
    connection.execute(insert(refusals), rows)
    newest = connection.execute(select(func.max(refusals.c.id))).scalar_one()
    connection.execute(delete(refusals).where(refusals.c.id <= newest - KEPT))


def latest(connection: Connection, limit: int) -> list[RejectedRequest]:
    """The latest rejected requests, newest first."""
    return _requests(connection.execute(select(refusals).order_by(refusals.c.id.desc()).limit(limit)))


def with_ids(connection: Connection, ids: Sequence[int]) -> list[RejectedRequest]:
    """The rejected requests with these numbers, oldest first."""
    return _requests(connection.execute(select(refusals).where(refusals.c.id.in_(ids)).order_by(refusals.c.id)))


def _requests(rows: Iterable[Row[Any]]) -> list[RejectedRequest]:
    return [
        RejectedRequest(
            at=row.at, reason=row.reason, address=row.address, path=row.path, size=row.size, times=row.times
        )
        for row in rows
    ]
