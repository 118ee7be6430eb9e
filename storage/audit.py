"""The audit trail: who looked at, exported, replayed or erased stored callbacks. Lines are never changed or pruned."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from storage.clock import now_us
from storage.tables import audit, from_microseconds
from storage.text import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One action of a person: `about` is what it was done with, `callbacks` how many it concerned."""

    id: int
    at: datetime
    who: str
    action: str
    about: str
    callbacks: int


def add(connection: Connection, *, who: str, action: str, about: str, callbacks: int) -> None:
    """Add a line, with the time of the database's clock."""
    row = {"who": one_line(who), "action": action, "about": one_line(about), "callbacks": callbacks}
    connection.execute(insert(audit), {"at": from_microseconds(now_us(connection)), **row})


def find(
    connection: Connection,
    limit: int,
    *,
    action: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[AuditLine]:
    """The newest `limit` lines, newest first."""
    statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if action:
        statement = statement.where(audit.c.action == action)
    if since:
        statement = statement.where(audit.c.at >= since)
    if until:
        statement = statement.where(audit.c.at < until)
    return [AuditLine(**row._mapping) for row in connection.execute(statement)]
