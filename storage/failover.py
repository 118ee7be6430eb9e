"""Failover: callbacks go to the journal, or to the spool while the database is unreachable."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from storage import journal, probes
from storage.clock import now_us
from storage.database import Database
from storage.errors import StoreRejectedError, StoreUnavailableError
from storage.outage_log import OutageLog
from storage.spool import Spool
from storage.values import Appended, NewCallback

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

MOVE_BATCH = 500
PATIENCE_SECONDS = 3.0
"""How long a commit may take before its callbacks go to the spool: providers wait only a few seconds."""
PAUSE_SECONDS = 1.0
"""Between two checks whether the database is reachable again."""
EMPTY = "the spool is empty again: everything is in the journal"
"""What the log says then."""
LEFT_BEHIND_SECONDS = 15.0
"""Between two looks for spools of processes that have ended."""

FAILED_SECONDS = 5.0
"""How long a spool that could not store a callback counts as unusable, since nothing else tries it."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """Where a callback would be stored now."""

    journal: bool
    """Whether the database can be written."""
    spooled: int | None
    """Callbacks that wait in the spool; None without a spool."""
    spool_fails: bool = False
    """Whether the spool could not store a callback in the last FAILED_SECONDS, as on a full disk."""

    @property
    def can_store(self) -> bool:
        """Whether a callback would be stored at all."""
        return self.journal or (self.spooled is not None and not self.spool_fails)


class FailoverStore:
    """Stores batches. While the spool is not empty, every batch goes there, so that the order is kept.

    `moved` is called after callbacks have moved from a spool to the journal; `left_behind` gives the spools that other
    processes have left, which are moved too. Without a spool, a batch that the database cannot store raises
    StoreUnavailableError.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool | None,
        moved: Callable[[], None] = lambda: None,
        left_behind: Callable[[], Iterable[Spool]] = tuple,
    ) -> None:
        self._database = database
        self._spool = spool
        self._moved = moved
        self._left_behind = left_behind
        self._lock = asyncio.Lock()
        self._mover: asyncio.Task[None] | None = None
        place = spool.path if spool else ""
        self._last_failed = False
        self._spool_failed_at = -FAILED_SECONDS
        self._outage = OutageLog(logger, f"callbacks go to the spool {place}", EMPTY)
        self._moving = OutageLog(logger, f"the spool {place} could not be moved", f"the spool {place} is moved again")

    @property
    def spooled(self) -> int:
        """How many callbacks are in the spool."""
        return self._spool.count if self._spool else 0

    def start(self) -> None:
        """Start to move spooled callbacks to the journal, also those of an earlier run."""
        if self._spool is not None:
            self._mover = asyncio.create_task(self._move_forever(self._spool), name="move-spool")

    async def stop(self) -> None:
        """Stop moving; what is spooled stays on disk for the next start."""
        if self._mover is not None:
            self._mover.cancel()
            await asyncio.gather(self._mover, return_exceptions=True)

    async def state(self) -> StoreState:
        """Whether the database takes a transaction that may write, and what is in the spool.

        If it could not store the last batch, something is written: on a full disk an empty transaction succeeds.
        """
        try:
            if self._last_failed:
                await self._in_time(probes.begin_trial)
                await self._in_time(probes.end_trial)
                self._last_failed = False
            else:
                await self._in_time(lambda _connection: None)
        except StoreUnavailableError:
            works = False
        else:
            works = True
        if self._spool is None:
            return StoreState(works, None)
        return StoreState(works, self._spool.count, time.monotonic() - self._spool_failed_at < FAILED_SECONDS)

    async def move_all(self) -> None:
        """Move all that is spooled, for commands that run beside no receiver. Raises StoreUnavailableError."""
        while self._spool is not None and self._spool.count:
            await self._move(self._spool)

    async def store(self, batch: Sequence[NewCallback]) -> list[Appended]:
        """Store a batch on disk. Raises StoreUnavailableError if neither journal nor spool can store it."""
        append = partial(journal.append, batch=batch)
        if self._spool is None:
            return await self._to_journal(append)
        async with self._lock:
            if not self._spool.count:
                try:
                    return await self._in_time(append)
                except StoreUnavailableError as error:
                    self._outage.failed(error)
            await self._to_spool(self._spool, batch)
            return [Appended(0)] * len(batch)

    async def _to_journal(self, append: Callable[[Connection], list[Appended]]) -> list[Appended]:
        try:
            stored = await self._database.write(append)
        except StoreUnavailableError:
            self._last_failed = True
            raise
        self._last_failed = False
        return stored

    async def _to_spool(self, spool: Spool, batch: Sequence[NewCallback]) -> None:
        try:
            await spool.put(batch)
        except StoreUnavailableError:
            self._spool_failed_at = time.monotonic()
            raise

    async def _in_time(self, work: Callable[[Connection], Result]) -> Result:
        """Write within PATIENCE_SECONDS: a provider waits. A write that timed out may still be committed."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):  # `wait_for` of Python 3.11 may ignore a cancellation
                return await self._database.write(work)
        except TimeoutError as error:
            raise StoreUnavailableError(f"the database did not commit within {PATIENCE_SECONDS:g} s") from error

    async def _reach(self) -> None:
        """Raises StoreUnavailableError or TimeoutError while the database is unreachable."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._database.read(now_us)

    async def _move_forever(self, spool: Spool) -> None:
        loop = asyncio.get_running_loop()
        next_look = loop.time()
        while True:
            try:
                if loop.time() >= next_look:
                    next_look = loop.time() + LEFT_BEHIND_SECONDS
                    await self._adopt()
                if spool.count:
                    # Do not hold the lock while the database is still unreachable.
                    await self._reach()
                    await self._move(spool)
                    self._moving.succeeded()
                else:
                    await asyncio.sleep(PAUSE_SECONDS)
            except (StoreUnavailableError, TimeoutError):
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception as error:
                self._moving.failed(type(error).__name__, traceback=error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _adopt(self) -> None:
        """Move the callbacks of processes that have ended."""
        for other in self._left_behind():
            await self._reach()  # else each look would be logged
            logger.info("moving %d callbacks of another process from the spool %s", other.count, other.path)
            while other.count:
                await self._move(other)

    async def _move(self, spool: Spool) -> None:
        """Move the oldest requests: first into the journal, then out of the spool; a crash in between doubles none."""
        async with self._lock:
            oldest = await spool.oldest(MOVE_BATCH)
            try:
                await self._in_time(partial(_append_missing, batch=[new for _, request in oldest for new in request]))
                await spool.delete([number for number, _ in oldest])
            except StoreRejectedError:
                await self._move_singly(spool, oldest)
        if not spool.count:
            if spool is self._spool and self._outage.is_failing:
                self._outage.succeeded()
            else:  # an earlier run had filled it
                logger.info(EMPTY)
        self._moved()

    async def _move_singly(self, spool: Spool, requests: Sequence[tuple[int, list[NewCallback]]]) -> None:
        """Move requests one by one, and set aside those that the journal rejects."""
        for number, request in requests:
            try:
                await self._in_time(partial(_append_missing, batch=request))
            except StoreRejectedError as error:
                logger.error("request %d of the spool %s is set aside: %s", number, spool.path, error)
                await spool.set_aside(number)
            else:
                await spool.delete([number])


def _append_missing(connection: Connection, batch: Sequence[NewCallback]) -> None:
    """Append what is not in the journal yet: after a broken connection it is unknown whether its commit succeeded."""
    journal.append(connection, journal.missing(connection, batch))
