"""Probes of `receiver check --url`, and what a running receiver saw of each."""

import secrets

from sqlalchemy import Connection, delete, insert, select, update

from storage.clock import now_us
from storage.tables import checks, from_microseconds

KEPT_SECONDS = 3600
_TRIAL = "trial-"
_TRIAL_LENGTH = 65_536


def create(connection: Connection) -> str:
    """A new probe's token; it is valid for an hour."""
    token = secrets.token_hex(16)
    now = now_us(connection)
    connection.execute(delete(checks).where(checks.c.made_at < from_microseconds(now - KEPT_SECONDS * 1_000_000)))
    connection.execute(insert(checks).values(token=token, made_at=from_microseconds(now), seen=""))
    return token


def record(connection: Connection, token: str, seen: str) -> None:
    """Store the result of a probe; ignored for an unknown token, and for a probe that has its result."""
    connection.execute(update(checks).where(checks.c.token == token, checks.c.seen == "").values(seen=seen))


def result(connection: Connection, token: str) -> str:
    """The result of the probe; empty while it has not arrived."""
    return connection.execute(select(checks.c.seen).where(checks.c.token == token)).scalar_one_or_none() or ""


def begin_trial(connection: Connection) -> None:
    """Write as much as a few callbacks need, to find out whether the disk takes it."""
    end_trial(connection)
    made_at = from_microseconds(now_us(connection))
    connection.execute(
        insert(checks).values(token=_TRIAL + secrets.token_hex(8), made_at=made_at, seen="0" * _TRIAL_LENGTH)
    )


def end_trial(connection: Connection) -> None:
    """Delete what `begin_trial` has written; in a transaction of its own, or nothing would reach the disk."""
    connection.execute(delete(checks).where(checks.c.token.startswith(_TRIAL)))
