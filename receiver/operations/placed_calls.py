"""Note the calls that handlers place, so that `find_gaps` shows those that never came back."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

from receiver.providers.base.api.placed import CallPlaced
from storage import Database, StoreError, placed_calls
from storage.placed_calls import PlacedCall

logger = logging.getLogger(__name__)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def as_row(placed: CallPlaced, at: datetime) -> PlacedCall:
    """What the journal keeps of a placed call: no number, and nothing of its parameters."""
    return PlacedCall(placed.provider, placed.call_id, placed.placed_by, at)


class PlacedCallRecorder:
    """Notes placed calls in the journal, in the background: the journal neither delays a call nor makes it fail.

    Made in a running event loop. What the journal cannot store is logged and forgotten. Nothing runs, and nothing is
    opened, before the first call is placed.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = now) -> None:
        self._database = database
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[PlacedCall] = deque()
        self._writing: asyncio.Task[None] | None = None

    def note(self, placed: CallPlaced) -> None:
        """Note a placed call; from any thread, without waiting."""
        self._waiting.append(as_row(placed, self._clock()))
        self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if self._waiting and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write(), name="placed-calls")

    async def _write(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                await self._database.write(partial(placed_calls.add, batch=batch))
            except StoreError as error:
                logger.error("placed calls are not noted (%d), so no gap will show them: %s", len(batch), error)

    async def aclose(self) -> None:
        """Write what was noted."""
        self._start()
        if self._writing is not None:
            await self._writing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.aclose()
