"""Rejected requests, far more than usual: a provider with a new address or an old secret, or an attack."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.operations.alarms.condition import Problem
from storage import Database, figures

WINDOW = timedelta(minutes=10)
BEFORE = timedelta(days=1)
TIMES = 3
"""How many times as many as usual."""


@dataclass(frozen=True, slots=True)
class RefusedFacts:
    """Requests rejected within the last WINDOW, and on average within each WINDOW of the day before it."""

    now: int
    usual: float


class RefusedRequests:
    """An alarm while so many requests were rejected within WINDOW, and TIMES as many as usual."""

    name = "refused_requests"
    scope = ""
    patience = 0.0
    every = 0.0

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit

    async def read(self, now: datetime) -> RefusedFacts:
        """Both numbers, as far as rejected requests are kept."""

        def count(connection: Connection) -> RefusedFacts:
            since = now - WINDOW
            before = figures.refused(connection, since - BEFORE, since)
            return RefusedFacts(figures.refused(connection, since, now + WINDOW), before * (WINDOW / BEFORE))

        return await self._database.read(count)

    def judge(self, facts: RefusedFacts, now: datetime) -> list[Problem]:
        """One problem, with both numbers."""
        if facts.now < self._limit or facts.now < TIMES * facts.usual:
            return []
        return [Problem(f"requests refused within 10 min: {facts.now}, usually {facts.usual:.0f}")]
