"""The log of an error that repeats for as long as something is away: once, then at growing intervals, then its end."""

import logging
import time
from collections.abc import Callable

FIRST_PAUSE = 60.0
"""Seconds until the second line; each later pause is twice as long."""
LONGEST_PAUSE = 3600.0


class OutageLog:
    """Logs an outage. `failing` says what does not work, `ended` that it works again; `clock` gives seconds.

    It ends with the first success that comes `quiet` seconds after the last failure: where many share one log, some
    may succeed while others fail.
    """

    def __init__(
        self,
        logger: logging.Logger,
        failing: str,
        ended: str,
        *,
        level: int = logging.ERROR,
        quiet: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._failing = failing
        self._ended = ended
        self._level = level
        self._quiet = quiet
        self._clock = clock
        self._count = 0
        self._began = self._last = self._next = self._pause = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether it failed last."""
        return self._count > 0

    def failed(self, error: object, *, traceback: BaseException | None = None) -> None:
        """It failed. The first line has the `traceback`, if there is one."""
        now = self._last = self._clock()
        self._count += 1
        if self._count == 1:
            self._began, self._pause = now, FIRST_PAUSE
            self._logger.log(self._level, "%s: %s", self._failing, error, exc_info=traceback)
        elif now >= self._next:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            passed = now - self._began
            self._logger.log(self._level, "%s: %s (failures: %d in %.0f s)", self._failing, error, self._count, passed)
        else:
            return
        self._next = now + self._pause

    def succeeded(self) -> None:
        """It worked. Logged if it failed before."""
        if not self._count or self._clock() - self._last < self._quiet:
            return
        seconds = self._clock() - self._began
        self._logger.log(self._level, "%s (failures: %d in %.0f s)", self._ended, self._count, seconds)
        self._count = 0
