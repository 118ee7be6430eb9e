"""Giving stored callbacks to handlers again: new deliveries, marked with who wanted them and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from storage import wake
from storage.clock import now_us
from storage.journal import UPSERT, clean
from storage.tables import deliveries, from_microseconds, replays, unfinished_index
from storage.values import State


@dataclass(frozen=True, slots=True)
class Wanted:
    """One delivery to make: which callback for which handler, and how many seconds from now."""

    callback_id: int
    handler: str
    call_key: str
    after_seconds: float = 0.0


def begin(connection: Connection, *, who: str, why: str, what: str) -> int:
    """The number of a new replay."""
    made_at = from_microseconds(now_us(connection))
    row = {"made_at": made_at, "who": clean(who), "why": clean(why), "what": clean(what)}
    return int(connection.execute(insert(replays).returning(replays.c.id), row).scalar_one())


def add(connection: Connection, replay_id: int, wanted: Sequence[Wanted]) -> int:
    """Make deliveries; how many were made. A callback that still waits for a handler is not queued twice for it."""
    if not wanted:
        return 0
    now = now_us(connection)
    rows = [
        {
            "callback_id": one.callback_id,
            "handler": one.handler,
            "call_key": clean(one.call_key) or f"#{one.callback_id}",
            "state": State.DUE,
            "due_at": from_microseconds(now + int(one.after_seconds * 1_000_000)),
            "attempts": 0,
            "forgiven": 0,
            "worker": "",
            "reason": "",
            "replay_id": replay_id,
        }
        for one in wanted
    ]
    statement = UPSERT[connection.dialect.name](deliveries).on_conflict_do_nothing(
        index_elements=[deliveries.c.callback_id, deliveries.c.handler],
        index_where=unfinished_index.dialect_options["sqlite"]["where"],
    )
    made = connection.execute(statement.returning(deliveries.c.id), rows).scalars().all()
    wake.notify(connection)
    return len(made)


def describe(connection: Connection, replay_id: int) -> str:
    """Who made a replay, when and why, in one line."""
    row = connection.execute(select(replays).where(replays.c.id == replay_id)).one()
    why = f": {row.why}" if row.why else ""
    return f"replay {row.id} by {row.who} at {row.made_at:%Y-%m-%d %H:%M:%S} UTC{why}"
