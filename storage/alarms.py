"""Which alarms are active, and which are silenced; shared by all processes of a cluster."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update

from storage.tables import alarms
from storage.text import clean

KEPT_DAYS = 30
"""How long the last end of an alarm is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """One alarm: active since `began_at`, or not if that is None."""

    name: str
    text: str = ""
    began_at: datetime | None = None
    seen_at: datetime | None = None
    """When it was last found to be wrong."""
    clear_since: datetime | None = None
    """Since when nothing is wrong, while it is still active."""
    ended_at: datetime | None = None
    said: bool = False
    """Whether a message of its beginning was sent, and none of its end."""
    silenced_until: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether something is wrong, or was until a moment ago."""
        return self.began_at is not None


def load(connection: Connection) -> dict[str, AlarmState]:
    """Every alarm by its name, also those that have ended or are only silenced."""
    rows = connection.execute(select(alarms).order_by(alarms.c.name))
    return {row.name: AlarmState(**row._mapping) for row in rows}


def save(connection: Connection, states: Iterable[AlarmState]) -> None:
    """Store alarms; their silences stay as they are in the database. Ends of more than KEPT_DAYS ago are deleted."""
    for state in states:
        values = {
            "text": clean(state.text),
            "began_at": state.began_at,
            "seen_at": state.seen_at,
            "clear_since": state.clear_since,
            "ended_at": state.ended_at,
            "said": state.said,
        }
        _upsert(connection, state.name, values, {**values, "silenced_until": state.silenced_until})


def forget_old(connection: Connection, now: datetime) -> None:
    """Delete alarms that ended long ago, and silences that are over."""
    old = or_(alarms.c.ended_at.is_(None), alarms.c.ended_at < now - timedelta(days=KEPT_DAYS))
    over = or_(alarms.c.silenced_until.is_(None), alarms.c.silenced_until <= now)
    connection.execute(delete(alarms).where(and_(alarms.c.began_at.is_(None), ~alarms.c.said, old, over)))


def silence(connection: Connection, name: str, until: datetime) -> None:
    """Send no messages about an alarm, or about all that begin with `name:`, until then."""
    new = {"text": "", "said": False, "silenced_until": until}
    _upsert(connection, name, {"silenced_until": until}, new)


def unsilence(connection: Connection, name: str) -> bool:
    """End a silence; False if there was none."""
    silenced = update(alarms).where(alarms.c.name == name, alarms.c.silenced_until.is_not(None))
    return connection.execute(silenced.values(silenced_until=None)).rowcount == 1


def _upsert(connection: Connection, name: str, changed: dict[str, Any], new: dict[str, Any]) -> None:
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # one of two functions alike
    row = insert(alarms).values(name=name, **new)
    connection.execute(row.on_conflict_do_update(index_elements=[alarms.c.name], set_=changed))
