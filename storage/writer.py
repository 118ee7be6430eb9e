"""Group commit: everything that waits at one moment shares one transaction and one fsync."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from storage.errors import JournalFullError, StoreError, StoreUnavailableError

New = TypeVar("New")
Done = TypeVar("Done")

logger = logging.getLogger(__name__)


class GroupCommit(Generic[New, Done]):
    """Collects what is to be stored and stores it in batches, in order; each waits for its own commit.

    `store` puts a batch on disk and returns one result for each. At most `capacity` submissions may wait; one batch
    takes no further submission once it has `batch` items.
    """

    def __init__(
        self, store: Callable[[Sequence[New]], Awaitable[list[Done]]], *, capacity: int = 10_000, batch: int = 500
    ) -> None:
        self._store = store
        self._batch = batch
        self._waiting: asyncio.Queue[tuple[Sequence[New], asyncio.Future[list[Done]]]] = asyncio.Queue(capacity)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="group-commit")

    @property
    def waiting(self) -> int:
        """How many submissions wait at this moment."""
        return self._waiting.qsize()

    def submit(self, news: Sequence[New]) -> asyncio.Future[list[Done]]:
        """The results of `news`, which share a transaction, once they are on disk. Raises JournalFullError at once.

        The future raises StoreUnavailableError if they could not be stored.
        """
        done: asyncio.Future[list[Done]] = asyncio.get_running_loop().create_future()
        try:
            self._waiting.put_nowait((news, done))
        except asyncio.QueueFull as error:
            raise JournalFullError(f"{self._waiting.maxsize} writes wait already") from error
        return done

    async def close(self) -> None:
        """Write what waits, then stop."""
        if self._task is None:
            return
        await self._waiting.join()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            taken = [await self._waiting.get()]
            size = len(taken[0][0])
            while size < self._batch and not self._waiting.empty():
                taken.append(self._waiting.get_nowait())
                size += len(taken[-1][0])
            await self._commit(taken)
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
            logger.exception("a write failed that should not have")
            _refuse(taken, StoreUnavailableError(f"it could not be written: {error}"))
        else:
            for news, done in taken:
                mine, results = results[: len(news)], results[len(news) :]
                if not done.done():
                    done.set_result(mine)


def _refuse(taken: list[tuple[Sequence[New], asyncio.Future[list[Done]]]], error: StoreError) -> None:
    for _, done in taken:
        if not done.done():
            done.set_exception(error)
