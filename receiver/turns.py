"""Who goes first on the loop: records take turns, a few at a time, and a question goes before all of them.

A loop serves whatever is ready. When records pour in, hundreds are ready at once, and whoever asks something meanwhile
would wait until all of them were read. So each record waits for its turn before it is worked on.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Records that are worked on between two looks for what else is there: some 0.3 ms."""
REPLIES_AT_ONCE, MOST_REPLIES_AT_ONCE = 4, 32
"""The same for replies to stored records: while questions come, and when none do. Together they take less time."""
LATELY = 1.0
"""Seconds after a question in which another one is to be expected."""
HEAD_START = 0.01
"""Seconds that records wait while a question is new: enough for a handler that only computes."""


class Turns:
    """Gives out turns. Waiting costs a record nothing while nobody else is there."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._left = AT_ONCE
        self._is_coming = False
        self._questions = 0
        self._closed_since = self._closed_until = 0.0
        self._open_until = 0.0
        self._last_question = -LATELY

    def replies_at_once(self) -> int:
        """How many replies to stored records may go out between two looks for what else there is."""
        are_questions_about = self._questions > 0 or monotonic() < self._last_question + LATELY
        return REPLIES_AT_ONCE if are_questions_about else MOST_REPLIES_AT_ONCE

    @property
    def waiting(self) -> int:
        """Records that wait for their turn."""
        return len(self._waiting)

    def take(self, work: Callable[[], None]) -> None:
        """Do the work of a record when it is its turn: now, if nobody waits. What it raises is logged."""
        if not self._is_coming:
            self._is_coming = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._next_round, loop)
        if self._left and not self._waiting and not self._is_closed():
            self._left -= 1
            _do(work)
        else:
            self._waiting.append(work)

    @contextmanager
    def of_question(self) -> Iterator[None]:
        """While the block runs, records wait; but never longer than the head start, nor more than half of the time."""
        now = self._last_question = monotonic()
        if now > self._open_until:
            self._closed_since, self._closed_until = now, now + HEAD_START
            self._open_until = self._closed_until + HEAD_START
        self._questions += 1
        try:
            yield
        finally:
            self._questions -= 1
            now = monotonic()
            if not self._questions and now < self._closed_until:
                self._closed_until = now
                self._open_until = now + (now - self._closed_since)

    def _is_closed(self) -> bool:
        return self._questions > 0 and monotonic() < self._closed_until

    def _next_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left = AT_ONCE
        self._is_coming = bool(self._waiting)
        if not self._waiting:
            return
        if self._is_closed():
            loop.call_later(HEAD_START / 10, self._next_round, loop)
            return
        while self._left and self._waiting:
            self._left -= 1
            _do(self._waiting.popleft())
        loop.call_soon(self._next_round, loop)


def _do(work: Callable[[], None]) -> None:
    """One that fails must not keep the others from their turn."""
    try:
        work()
    except Exception:
        logger.exception("the turn of a record failed")
