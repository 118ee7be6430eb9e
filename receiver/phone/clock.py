"""The phone's clock: real time, at a speed, that can be paused and skipped."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class PhoneClock:
    """`speed` is how many of its seconds pass in one real second; at 0 it is stopped.

    `read` returns seconds that only ever grow.
    """

    def __init__(self, speed: float = 1.0, read: Callable[[], float] = time.monotonic) -> None:
        self._speed = speed
        self._read = read
        self._mark = read()
        self._now = datetime.now(UTC)
        self.is_paused = speed == 0

    def now(self) -> datetime:
        """The time that was reached, with its zone."""
        if not self.is_paused:
            self._now += timedelta(seconds=self._passed())
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Skip so many seconds, without waiting."""
        self._now = self.now() + timedelta(seconds=seconds)

    def toggle(self) -> None:
        """Stop the clock, or let it run on. Without a speed it runs as fast as a real one."""
        self.now()
        self._passed()
        self.is_paused = not self.is_paused
        self._speed = self._speed or 1.0

    def _passed(self) -> float:
        """The clock's seconds since the last look."""
        now = self._read()
        passed, self._mark = (now - self._mark) * self._speed, now
        return passed
