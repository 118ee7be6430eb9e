"""Deliveries that are due and are not run: too few workers, handlers that are slow, or a handler that is not loaded."""

from collections.abc import Sequence
from datetime import datetime

from receiver.operations.alarms.condition import Problem, spoken
from storage import Database, figures
from storage.figures import Backlog


class BacklogAge:
    """An alarm while a delivery has been due for so many seconds."""

    name = "backlog_age"
    scope = ""
    patience = 0.0
    every = 0.0

    def __init__(self, database: Database, limit: float) -> None:
        self._database = database
        self._limit = limit

    async def read(self, now: datetime) -> Sequence[Backlog]:
        """What waits, by handler."""
        return await self._database.read(figures.backlog)

    def judge(self, facts: Sequence[Backlog], now: datetime) -> list[Problem]:
        """One problem, which names the handlers that are behind."""
        late = [one for one in facts if one.age.total_seconds() >= self._limit]
        if not late:
            return []
        handlers = ", ".join(f"{one.count} to {one.handler} for {spoken(one.age.total_seconds())}" for one in late)
        return [Problem(f"deliveries are due and are not run: {handlers}")]
