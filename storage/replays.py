"""Replays: who delivered stored callbacks again, when and why. Their deliveries name them."""

from sqlalchemy import Connection, delete, insert, select

from storage.clock import now_us
from storage.tables import from_microseconds, replays
from storage.text import clean


def begin(connection: Connection, *, who: str, why: str, what: str) -> int:
    """The number of a new replay."""
    made_at = from_microseconds(now_us(connection))
    row = {"made_at": made_at, "who": clean(who), "why": clean(why), "what": clean(what)}
    return int(connection.execute(insert(replays).returning(replays.c.id), row).scalar_one())


def remove(connection: Connection, replay_id: int) -> None:
    """Delete a replay that has no deliveries."""
    connection.execute(delete(replays).where(replays.c.id == replay_id))


def describe(connection: Connection, replay_id: int) -> str:
    """Who made a replay, when and why, in one line."""
    row = connection.execute(select(replays).where(replays.c.id == replay_id)).one()
    why = f": {row.why}" if row.why else ""
    made_at = row.made_at.astimezone().isoformat(sep=" ", timespec="seconds")
    return f"replay {row.id} by {row.who} at {made_at}{why}"
