"""Figures for /metrics that need the database or the disk: read in the background, never at a scrape."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from math import nan
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from receiver.metrics import Metrics
from receiver.operations.alarms.disk_space import free_bytes
from receiver.operations.alarms.patience import in_time
from storage import Database, StoreError, alarms, figures
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 15.0
"""Between two readings; monitors scrape about as often."""


class JournalFigures:
    """The last figures; NaN until they are known, and while the database is unreachable."""

    def __init__(self, database: Database, folders: Sequence[Path]) -> None:
        self._database = database
        self._folders = folders
        self._values: dict[str, float] = {}
        self._outage = OutageLog(logger, "the figures of the journal cannot be read", "the figures are read again")

    def watch(self, metrics: Metrics) -> None:
        """Add a gauge for each. They are the same in every process, so several are not added up."""
        for name, meaning in _MEANINGS.items():
            metrics.watch(name, meaning, self._value_of(name), across="livemax")

    def _value_of(self, name: str) -> Callable[[], float]:
        return lambda: self._values.get(name, nan)

    async def run(self) -> None:
        """Read them now and then, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(PERIOD_SECONDS)

    async def read(self) -> None:
        """Read them once."""
        values: dict[str, float] = {}
        try:
            values |= await in_time(self._database.read(_read))
            self._outage.succeeded()
        except StoreError:
            logger.debug("the figures of the journal cannot be read")
        except Exception as error:
            self._outage.failed(type(error).__name__, traceback=error)
        try:
            free = await asyncio.to_thread(free_bytes, self._folders)
            values["receiver_disk_free_bytes"] = min(free.values())
        except OSError:
            logger.debug("the free disk space cannot be read")
        self._values = values


_MEANINGS = {
    "receiver_deliveries_dead": "Deliveries that failed at their last attempt and were not requeued or dropped",
    "receiver_deliveries_due": "Deliveries that are due and wait for a worker",
    "receiver_backlog_age_seconds": "How long the oldest due delivery has waited",
    "receiver_alarms_active": "Alarms that have begun and not ended, in the whole cluster",
    "receiver_disk_free_bytes": "Free space where the journal or the spool is, the least of them",
}


def _read(connection: Connection) -> dict[str, Any]:
    backlog = figures.backlog(connection)
    return {
        "receiver_deliveries_dead": figures.dead_count(connection),
        "receiver_deliveries_due": sum(one.count for one in backlog),
        "receiver_backlog_age_seconds": max((one.age.total_seconds() for one in backlog), default=0.0),
        "receiver_alarms_active": sum(state.is_active for state in alarms.load(connection).values()),
    }
