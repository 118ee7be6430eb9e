"""Group commit: everything that waits at one moment shares one transaction and one fsync."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Generic, TypeVar

from storage.errors import JournalFullError, StoreError, StoreRejectedError, StoreUnavailableError

New = TypeVar("New")
Done = TypeVar("Done")

Told = Callable[[list[Done] | StoreError], None]
"""Who is told of the results, or of the error. What it raises is logged, and harms nobody else."""
_Submission = tuple[Sequence[New], Told[Done]]

CLOSE_SECONDS = 10.0
"""How long closing waits for the writes that wait."""

GATHER_SECONDS = 0.005
"""How long a batch may grow, as long as it does, before it is stored."""

logger = logging.getLogger(__name__)


class GroupCommit(Generic[New, Done]):
    """Collects what is to be stored and stores it in batches, in order; each waits for its own commit.

    `store` puts a batch on disk and returns one result for each. At most `capacity` items may wait; one batch
    takes no further submission once it has `batch` items. `told_at_once` says how many results are given out before
    others on the loop get a turn.
    """

    def __init__(
        self,
        store: Callable[[Sequence[New]], Awaitable[list[Done]]],
        *,
        capacity: int = 10_000,
        batch: int = 500,
        told_at_once: Callable[[], int] = lambda: 32,
    ) -> None:
        self._store = store
        self._told_at_once = told_at_once
        self._batch = batch
        self._capacity = capacity
        self._size = 0
        self._waiting: deque[_Submission[New, Done]] = deque()
        self._came = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
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

    def submit(self, news: Sequence[New], told: Told[Done], *, beyond: int = 0) -> None:
        """Store `news`, which share a transaction, and call `told` with their results once they are on disk.

        It gets StoreUnavailableError or StoreRejectedError in their place if they could not be stored. Raises
        JournalFullError at once if there is no room; what counts more than the rest may take `beyond` places more
        than there are.
        """
        if self._size and self._size + len(news) > self._capacity + beyond:
            raise JournalFullError(f"{self._size} writes wait already")
        self._size += len(news)
        self._waiting.append((news, told))
        self._came.set()
        self._is_idle.clear()

    async def write(self, news: Sequence[New]) -> list[Done]:
        """The same for who waits: the results. Whoever gives up waiting, it is stored. Raises what `told` would get."""
        done: asyncio.Future[list[Done]] = asyncio.get_running_loop().create_future()
        self.submit(news, partial(_tell, done))
        return await done

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, then stop; after so many seconds stop in any case."""
        if self._task is None:
            return
        try:
            await asyncio.wait_for(self._is_idle.wait(), seconds)
        except TimeoutError:
            logger.error("%d writes were still waiting when the receiver stopped", self._size)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        while True:
            await self._came.wait()
            taken = [self._waiting.popleft()]
            size = len(taken[0][0])
            until = perf_counter() + GATHER_SECONDS
            while size < self._batch and perf_counter() < until:
                await asyncio.sleep(0)  # let those come in that are read at this moment: a commit costs more than a row
                if not self._waiting:
                    break
                while size < self._batch and self._waiting:
                    taken.append(self._waiting.popleft())
                    size += len(taken[-1][0])
            await self._commit(taken)
            self._size -= size
            if not self._waiting:
                self._came.clear()
                self._is_idle.set()

    async def _commit(self, taken: list[_Submission[New, Done]]) -> None:
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
            at, left = 0, self._told_at_once()
            for news, told in taken:
                if left <= 0:
                    await asyncio.sleep(0)
                    left = self._told_at_once()
                _call(told, results[at : at + len(news)])
                at += len(news)
                left -= 1


def _refuse(taken: list[_Submission[New, Done]], error: StoreError) -> None:
    for _, told in taken:
        _call(told, error)


def _call(told: Told[Done], results: list[Done] | StoreError) -> None:
    try:
        told(results)
    except Exception:
        logger.exception("whoever waited for a write failed")


def _tell(done: asyncio.Future[list[Done]], results: list[Done] | StoreError) -> None:
    if done.done():
        return  # nobody waits any more
    if isinstance(results, StoreError):
        done.set_exception(results)
    else:
        done.set_result(results)
