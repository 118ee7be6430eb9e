"""Calls that were placed through a provider's API: to find those that never came back in a callback.

A row has no phone number, but an id of the user's own, such as a token, may hold one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, delete, insert, select, type_coerce

from storage.tables import callbacks, placed_calls
from storage.text import clean

CLOCKS_US = 600_000_000
"""Microseconds by which the clocks of two machines may differ: a callback may seem to come before its call."""


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """One call, by the id that its callbacks carry."""

    provider: str
    call_id: str
    placed_by: str
    """The API call, such as `click_to_call.call`."""
    placed_at: datetime


def add(connection: Connection, batch: Sequence[PlacedCall]) -> None:
    """Store placed calls."""
    rows = [
        {
            "provider": one.provider,
            "call_id": clean(one.call_id),
            "placed_by": one.placed_by,
            "placed_at": one.placed_at,
        }
        for one in batch
    ]
    connection.execute(insert(placed_calls), rows)


def without_callback(connection: Connection, since: datetime, until: datetime) -> list[PlacedCall]:
    """The calls that were placed between these moments and have had no callback since, the oldest first."""
    came = select(callbacks.c.id).where(
        callbacks.c.call_id == placed_calls.c.call_id,
        callbacks.c.provider == placed_calls.c.provider,
        # A token may be used again: the callbacks of the earlier call do not count.
        type_coerce(callbacks.c.received_at, BigInteger)
        >= type_coerce(placed_calls.c.placed_at, BigInteger) - CLOCKS_US,
    )
    wanted = (
        select(placed_calls.c.provider, placed_calls.c.call_id, placed_calls.c.placed_by, placed_calls.c.placed_at)
        .where(placed_calls.c.placed_at >= since, placed_calls.c.placed_at <= until, ~came.exists())
        .order_by(placed_calls.c.placed_at, placed_calls.c.id)
    )
    return [PlacedCall(*row) for row in connection.execute(wanted)]


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Delete at most `limit` calls that were placed before that moment; how many."""
    old = select(placed_calls.c.id).where(placed_calls.c.placed_at < before).limit(limit)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(delete(placed_calls).where(placed_calls.c.id.in_(ids)))
    return len(ids)
