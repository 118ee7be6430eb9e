"""Retention in the background: delete or blank old callbacks."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from storage import Database, StoreError, placed_calls, retention

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 24 * 3600.0
BATCH = 1000
"""Rows in one transaction, so that the intake never waits long for it."""


async def run_retention(database: Database, keep_days: int, keep_bodies_days: int) -> None:
    """Delete and blank once a day, until cancelled; 0 days keeps forever."""
    while True:
        now = datetime.now(UTC)
        try:
            if keep_days:
                await _in_batches(database, "pruned", retention.prune, now - timedelta(days=keep_days))
                await _in_batches(
                    database, "pruned", placed_calls.prune, now - timedelta(days=keep_days), "placed calls"
                )
            if keep_bodies_days:
                await _in_batches(database, "blanked", retention.blank, now - timedelta(days=keep_bodies_days))
        except StoreError as error:
            logger.error("old callbacks could not be deleted or blanked: %s", error)
        await asyncio.sleep(PERIOD_SECONDS)


async def _in_batches(
    database: Database,
    done: str,
    work: Callable[[Connection, datetime, int], int],
    before: datetime,
    what: str = "callbacks received",
) -> None:
    total = 0
    while count := await database.write(lambda connection: work(connection, before, BATCH)):
        total += count
    if total:
        logger.info("%s %d %s before %s", done, total, what, before.isoformat(timespec="minutes"))
