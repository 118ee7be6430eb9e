"""Deliveries that died: the handler failed at its last attempt, and no attempt follows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from receiver.operations.alarms.condition import Problem
from storage import Database, figures

RECENT = timedelta(days=1)
"""Deliveries that died before count no more, so that old ones do not hide new ones."""


class DeadDeliveries:
    """An alarm while so many deliveries that died within a day are still dead."""

    name = "dead_deliveries"
    scope = ""
    patience = 0.0
    every = 0.0

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit

    async def read(self, now: datetime) -> Mapping[str, int]:
        """Dead deliveries by handler."""
        return await self._database.read(partial(figures.dead_since, since=now - RECENT))

    def judge(self, facts: Mapping[str, int], now: datetime) -> list[Problem]:
        """One problem, which names the handlers."""
        if sum(facts.values()) < self._limit:
            return []
        handlers = ", ".join(f"{count} to {handler}" for handler, count in facts.items())
        return [Problem(f"deliveries died within a day and are still dead: {handlers}")]
