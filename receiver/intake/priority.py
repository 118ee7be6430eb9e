"""Priority on the event loop: records run a few at a time, and a question runs before all of them.

The event loop runs whatever is ready. Under load hundreds of records are ready at once, and a question that arrives
then would wait until all of them were parsed. So each record is submitted here before work on it begins.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

logger = logging.getLogger(__name__)

RECORDS_PER_ROUND = 2
"""Records that run in one round of the loop: some 0.3 ms."""
MIN_REPLIES, MAX_REPLIES = 4, 32
"""Replies to stored records that are sent in one round: while questions arrive, and while none do. Larger batches take
less time in all."""
RECENT_SECONDS = 1.0
"""For how long after a question another one is expected."""
HOLD_SECONDS = 0.01
"""For how long records wait after a question arrives: enough for a handler that only computes."""


class PriorityGate:
    """Schedules the work of records. It adds no delay while nothing else is ready. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._left_in_round = RECORDS_PER_ROUND
        self._round_is_scheduled = False
        self._questions = 0
        self._held_since = self._held_until = 0.0
        self._free_until = 0.0
        self._last_question = float("-inf")

    def reply_batch_size(self) -> int:
        """How many replies to stored records may be sent in one round of the loop."""
        questions_expected = self._questions > 0 or self._clock() < self._last_question + RECENT_SECONDS
        return MIN_REPLIES if questions_expected else MAX_REPLIES

    @property
    def waiting(self) -> int:
        """Records that wait."""
        return len(self._waiting)

    def submit(self, work: Callable[[], None]) -> None:
        """Run the work of a record: now if no record waits, else in a later round. What it raises is logged."""
        if not self._round_is_scheduled:
            self._round_is_scheduled = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._next_round, loop)
        if self._left_in_round and not self._waiting and not self._holds_records():
            self._left_in_round -= 1
            _run(work)
        else:
            self._waiting.append(work)

    @contextmanager
    def question_in_progress(self) -> Iterator[None]:
        """Hold records while the block runs, for at most HOLD_SECONDS and at most half of the time."""
        now = self._last_question = self._clock()
        if now > self._free_until:
            self._held_since, self._held_until = now, now + HOLD_SECONDS
            self._free_until = self._held_until + HOLD_SECONDS
        self._questions += 1
        try:
            yield
        finally:
            self._questions -= 1
            now = self._clock()
            if not self._questions and now < self._held_until:
                self._held_until = now
                self._free_until = now + (now - self._held_since)

    def _holds_records(self) -> bool:
        return self._questions > 0 and self._clock() < self._held_until

    def _next_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left_in_round = RECORDS_PER_ROUND
        self._round_is_scheduled = bool(self._waiting)
        if not self._waiting:
            return
        if self._holds_records():
            loop.call_later(HOLD_SECONDS / 10, self._next_round, loop)
            return
        while self._left_in_round and self._waiting:
            self._left_in_round -= 1
            _run(self._waiting.popleft())
        loop.call_soon(self._next_round, loop)


def _run(work: Callable[[], None]) -> None:
    """Run the work of one record; if it fails, the others go on."""
    try:
        work()
    except Exception:
        logger.exception("the work of a record failed")
