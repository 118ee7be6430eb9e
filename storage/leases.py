"""Leases of tasks that one process of a cluster runs at a time, by the clock of the database."""

from datetime import datetime

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from storage.clock import now_us
from storage.tables import from_microseconds, leases


def acquire(connection: Connection, name: str, holder: str, seconds: float) -> bool:
    """Take the lease of a task for so many seconds, or renew it; False while another holder has it."""
    now = now_us(connection)
    until = from_microseconds(now + int(seconds * 1_000_000))
    _make(connection, name)
    taken = update(leases).where(
        leases.c.name == name, or_(leases.c.holder == holder, leases.c.until <= from_microseconds(now))
    )
    return connection.execute(taken.values(holder=holder, until=until)).rowcount == 1


def finish(connection: Connection, name: str, holder: str, reached: datetime, pause: float) -> None:
    """Note up to which time the work is done, and release the lease `pause` seconds from now."""
    until = from_microseconds(now_us(connection) + int(pause * 1_000_000))
    mine = update(leases).where(leases.c.name == name, leases.c.holder == holder)
    connection.execute(mine.values(holder="", until=until, reached=reached))


def release(connection: Connection, name: str, holder: str, pause: float) -> None:
    """Release the lease `pause` seconds from now; the work is not done."""
    until = from_microseconds(now_us(connection) + int(pause * 1_000_000))
    mine = update(leases).where(leases.c.name == name, leases.c.holder == holder)
    connection.execute(mine.values(holder="", until=until))


def advance(connection: Connection, name: str, reached: datetime) -> None:
    """Note up to which time a part of the work is done. Parts have names of their own, and no holder."""
    _make(connection, name)
    connection.execute(update(leases).where(leases.c.name == name).values(reached=reached))


def reached(connection: Connection, name: str) -> datetime | None:
    """The time up to which the work of a task is done; None before its first run."""
    return connection.execute(select(leases.c.reached).where(leases.c.name == name)).scalar_one_or_none()


def _make(connection: Connection, name: str) -> None:
    """Make the row of a task, which is free, unless there is one."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    free = from_microseconds(0)
    connection.execute(insert(leases).values(name=name, holder="", until=free).on_conflict_do_nothing())
