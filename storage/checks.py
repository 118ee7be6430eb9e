"""What a running receiver saw of a request that `receiver check --url` sent it."""

import secrets

from sqlalchemy import Connection, delete, insert, select, update

from storage.clock import now_us
from storage.tables import checks, from_microseconds

KEPT_SECONDS = 3600


def begin(connection: Connection) -> str:
    """A token that a receiver with this journal will know; it is good for an hour."""
    token = secrets.token_hex(16)
    now = now_us(connection)
    connection.execute(delete(checks).where(checks.c.made_at < from_microseconds(now - KEPT_SECONDS * 1_000_000)))
    connection.execute(insert(checks).values(token=token, made_at=from_microseconds(now), seen=""))
    return token


def answer(connection: Connection, token: str, seen: str) -> None:
    """Write down what was seen; nothing for a token that nobody gave out, or that was answered before."""
    connection.execute(update(checks).where(checks.c.token == token, checks.c.seen == "").values(seen=seen))


def answer_to(connection: Connection, token: str) -> str:
    """What was seen; empty while the request has not arrived."""
    return connection.execute(select(checks.c.seen).where(checks.c.token == token)).scalar_one_or_none() or ""
