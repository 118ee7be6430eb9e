"""Questions without an answer of a handler: the caller got the fallback, or the provider an error."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from receiver.operations.alarms.condition import Problem
from storage import Database, figures

WINDOW = timedelta(minutes=15)
LEAST = 20
"""Questions below which a share says nothing."""


class Fallbacks:
    """An alarm while so many percent of the questions of the last WINDOW got a fallback or an error."""

    name = "fallbacks"
    scope = ""
    patience = 0.0
    every = 0.0

    def __init__(self, database: Database, percent: float) -> None:
        self._database = database
        self._percent = percent

    async def read(self, now: datetime) -> Mapping[str, int]:
        """The callbacks of the window by outcome."""
        return await self._database.read(partial(figures.outcomes, since=now - WINDOW))

    def judge(self, facts: Mapping[str, int], now: datetime) -> list[Problem]:
        """One problem, with the share."""
        missed = facts.get("fallback", 0) + facts.get("failed", 0)
        asked = missed + facts.get("answered", 0)
        if asked < LEAST or 100 * missed < self._percent * asked:
            return []
        share = 100 * missed / asked
        return [Problem(f"{missed} of {asked} questions in 15 min got a fallback or an error ({share:.0f} %)")]
