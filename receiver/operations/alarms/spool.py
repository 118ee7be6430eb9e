"""Callbacks that are on this machine only, because the journal's database is unreachable."""

from collections.abc import Callable
from datetime import datetime

from receiver.operations.alarms.condition import Problem


class SpoolUsed:
    """An alarm while callbacks have been in the spool for so many seconds."""

    name = "spool"
    every = 0.0

    def __init__(self, machine: str, file: str, spooled: Callable[[], int], seconds: float) -> None:
        self.scope = f"{machine}/{file}"
        self.patience = seconds
        self._spooled = spooled

    async def read(self, now: datetime) -> int:
        """How many callbacks are in it."""
        return self._spooled()

    def judge(self, facts: int, now: datetime) -> list[Problem]:
        """One problem, with their number."""
        if not facts:
            return []
        return [
            Problem(
                f"callbacks in the spool: {facts}; the journal's database is unreachable, or was. Until they have "
                "moved, events of one call that reach two machines may be handled out of order"
            )
        ]
