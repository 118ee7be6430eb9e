"""Telling the workers of other machines that there are new deliveries: PostgreSQL's NOTIFY and LISTEN."""

import asyncio
from collections.abc import Callable

import psycopg
from sqlalchemy import Connection, text

from storage.database import CONNECT_SECONDS, Database

CHANNEL = "receiver_deliveries"
PAUSE_SECONDS = 2.0
"""Between two attempts to listen; until then workers find deliveries by looking from time to time."""


def notify(connection: Connection) -> None:
    """Wake the workers when this transaction commits. On SQLite they are all in this process, or poll."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


async def listen(database: Database, wake: Callable[[], None]) -> None:
    """Call `wake` whenever somebody notifies, until cancelled; goes on when the connection breaks."""
    if database.is_sqlite:
        return
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                address, autocommit=True, connect_timeout=CONNECT_SECONDS
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                wake()  # whatever came while nobody listened
                async for _ in connection.notifies():
                    wake()
        except (psycopg.Error, OSError):
            await asyncio.sleep(PAUSE_SECONDS)
