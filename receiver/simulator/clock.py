"""Clocks for simulated calls: a real one, which may run faster, and a virtual one, which does not wait."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A clock: the current time, and waiting."""

    def now(self) -> datetime:
        """The time, with its zone."""

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds of this clock have passed."""


class RealClock:
    """The time of day. `speed` is how many of its seconds pass in one real second."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._began = datetime.now(UTC)

    def now(self) -> datetime:
        """The time since the clock was made, at its speed."""
        return self._began + (datetime.now(UTC) - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` divided by the speed."""
        await asyncio.sleep(seconds / self._speed)


class VirtualClock:
    """A clock that only `sleep` and `advance` move, at once."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """The clock's time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by so many seconds."""
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Move the clock without waiting."""
        self.advance(seconds)
