"""Queries of the journal that a measured receiver has filled."""

import time
from collections import Counter

from sqlalchemy import func, select

from storage import Database, journal, queue
from storage.tables import callbacks
from storage.values import Filter

PATIENCE_SECONDS = 120.0


def outcomes(database: Database, kind: str = "") -> Counter[str]:
    """How many callbacks, of one kind or of all, there are of each outcome."""
    counted = select(callbacks.c.outcome, func.count()).where(journal.matching(Filter(kind=kind)))
    with database.read_only() as connection:
        rows = connection.execute(counted.group_by(callbacks.c.outcome))
        return Counter({outcome: int(number) for outcome, number in rows})


def open_deliveries(database: Database) -> int:
    """How many deliveries are not finished."""
    with database.read_only() as connection:
        return sum(queue.unfinished(connection).values())


def seconds_until_none(database: Database) -> float:
    """Seconds until every delivery is finished; infinity after PATIENCE_SECONDS."""
    began = time.monotonic()
    while open_deliveries(database):
        if time.monotonic() - began > PATIENCE_SECONDS:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - began
