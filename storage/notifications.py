"""Notifying the workers of other machines of new deliveries, with PostgreSQL's NOTIFY and LISTEN."""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection, text

from storage.database import CONNECT_SECONDS, Database
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

CHANNEL = "receiver_deliveries"
PAUSE_SECONDS = 2.0
"""Between two attempts to listen; meanwhile workers find deliveries by polling."""


def notify(connection: Connection) -> None:
    """Wake the workers when this transaction commits. On SQLite they are in this process, or poll."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))


async def listen(database: Database, wake: Callable[[], None], *, url: str = "") -> None:
    """Call `wake` on each NOTIFY, until cancelled; reconnects when the connection breaks.

    Through pgBouncer nothing can be heard: there `url` names the server itself. Without it workers only poll.
    """
    if database.is_sqlite or (database.behind_pgbouncer and not url):
        return
    import psycopg  # commands on SQLite do without

    address = url or database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    outage = OutageLog(
        logger,
        "new deliveries are found by polling alone, because PostgreSQL's notifications cannot be received",
        "PostgreSQL's notifications of new deliveries are received again",
        level=logging.WARNING,
    )
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                address, autocommit=True, connect_timeout=CONNECT_SECONDS
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                outage.succeeded()
                wake()  # notifications may have been missed while disconnected
                async for _ in connection.notifies():
                    wake()
        except (psycopg.Error, OSError) as error:
            outage.failed(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)
