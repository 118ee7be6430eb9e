"""What a run has left in the journal of the receiver it measured."""

import time
from collections import Counter

from sqlalchemy import func, select

from storage import Database, deliveries
from storage.tables import callbacks

PATIENCE_SECONDS = 120.0


def outcomes(database: Database) -> Counter[str]:
    """How many callbacks there are of each outcome."""
    with database.look() as connection:
        rows = connection.execute(select(callbacks.c.outcome, func.count()).group_by(callbacks.c.outcome))
        return Counter({outcome: int(number) for outcome, number in rows})


def open_deliveries(database: Database) -> int:
    """How many deliveries are not finished."""
    with database.look() as connection:
        return sum(deliveries.unfinished(connection).values())


def seconds_until_none(database: Database) -> float:
    """How long it takes until every delivery is finished; infinity when that is longer than our patience."""
    began = time.monotonic()
    while open_deliveries(database):
        if time.monotonic() - began > PATIENCE_SECONDS:
            return float("inf")
        time.sleep(0.05)
    return time.monotonic() - began
