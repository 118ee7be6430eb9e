"""Group commit: everything that waits at one moment shares one transaction and one fsync."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Generic, TypeVar

from storage.errors import JournalFullError, StoreError, StoreRejectedError, StoreUnavailableError

New = TypeVar("New")
Done = TypeVar("Done")

CLOSE_SECONDS = 10.0
"""How long closing waits for the writes that wait."""

TOLD_AT_ONCE = 4
"""Submissions whose results are given out before others get a turn: each goes on with its reply at once."""
GATHER_SECONDS = 0.005
"""How long a batch may grow, as long as it does, before it is stored."""

logger = logging.getLogger(__name__)


class GroupCommit(Generic[New, Done]):
    """Collects what is to be stored and stores it in batches, in order; each waits for its own commit.

    `store` puts a batch on disk and returns one result for each. At most `capacity` items may wait; one batch
    takes no further submission once it has `batch` items.
    """

    def __init__(
        self, store: Callable[[Sequence[New]], Awaitable[list[Done]]], *, capacity: int = 10_000, batch: int = 500
    ) -> None:
        self._store = store
        self._batch = batch
        self._capacity = capacity
        self._size = 0
        self._waiting: asyncio.Queue[tuple[Sequence[New], asyncio.Future[list[Done]]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="group-commit")

    @property
    def waiting(self) -> int:
        """How many items wait at this moment."""
        return self._size

    @property
    def is_far_behind(self) -> bool:
        """Whether a fifth of the places is taken: whoever can wait should."""
        return self._size > self._capacity // 5

    def submit(self, news: Sequence[New], *, beyond: int = 0) -> asyncio.Future[list[Done]]:
        """The results of `news`, which share a transaction, once they are on disk. Raises JournalFullError at once.

        What counts more than the rest may take `beyond` places more than there are.

        The future raises StoreUnavailableError or StoreRejectedError if they could not be stored.
        """
        done: asyncio.Future[list[Done]] = asyncio.get_running_loop().create_future()
        if self._size and self._size + len(news) > self._capacity + beyond:
            raise JournalFullError(f"{self._size} writes wait already")
        self._size += len(news)
        self._waiting.put_nowait((news, done))
        return done

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, then stop; after so many seconds stop in any case."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._waiting.join(), seconds)
        except TimeoutError:
            logger.error("%d writes were still waiting when the receiver stopped", self._size)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            taken = [await self._waiting.get()]
            size = len(taken[0][0])
            until = perf_counter() + GATHER_SECONDS
            while size < self._batch and perf_counter() < until:
                await asyncio.sleep(0)  # let those come in that are read at this moment: a commit costs more than a row
                if self._waiting.empty():
                    break
                while size < self._batch and not self._waiting.empty():
                    taken.append(self._waiting.get_nowait())
                    size += len(taken[-1][0])
            await self._commit(taken)
            self._size -= size
            for _ in taken:
                self._waiting.task_done()

    async def _commit(self, taken: list[tuple[Sequence[New], asyncio.Future[list[Done]]]]) -> None:
        try:
            results = await self._store([new for news, _ in taken for new in news])
        except StoreUnavailableError as error:
            _refuse(taken, error)
        except Exception as error:
            if len(taken) > 1:  # one of them cannot be written: the others must not suffer for it
                for one in taken:
                    await self._commit([one])
                return
            logger.error("a write failed that should not have: %s", error)
            refused = error if isinstance(error, StoreError) else StoreRejectedError(f"it cannot be written: {error}")
            _refuse(taken, refused)
        else:
            at = 0
            for number, (news, done) in enumerate(taken, 1):
                if not done.done():
                    done.set_result(results[at : at + len(news)])
                at += len(news)
                if number % TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)


def _refuse(taken: list[tuple[Sequence[New], asyncio.Future[list[Done]]]], error: StoreError) -> None:
    for _, done in taken:
        if not done.done():
            done.set_exception(error)
