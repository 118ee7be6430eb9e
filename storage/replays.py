"""Replays: who delivered stored callbacks again, when and why. Their deliveries name them."""

from sqlalchemy import Connection, insert, select

from storage.clock import now_us
from storage.tables import from_microseconds, replays
from storage.text import clean


def begin(connection: Connection, *, who: str, why: str, what: str) -> int:
    """The number of a new replay."""
    made_at = from_microseconds(now_us(connection))
    row = {"made_at": made_at, "who": clean(who), "why": clean(why), "what": clean(what)}
    return int(connection.execute(insert(replays).returning(replays.c.id), row).scalar_one())


def describe(connection: Connection, replay_id: int) -> str:
    """Who made a replay, when and why, in one line."""
    row = connection.execute(select(replays).where(replays.c.id == replay_id)).one()
    why = f": {row.why}" if row.why else ""
    return f"replay {row.id} by {row.who} at {row.made_at:%Y-%m-%d %H:%M:%S} UTC{why}"
