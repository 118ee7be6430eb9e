"""Group commit: all writes that wait at one moment share one transaction and one fsync."""

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

OnResult = Callable[[list[Done] | StoreError], None]
"""Called with the results of a submission, or with the error. What it raises is logged."""
_Submission = tuple[Sequence[New], OnResult[Done]]

CLOSE_SECONDS = 10.0
"""How long closing waits for queued writes."""

GATHER_SECONDS = 0.005
"""How long a batch may keep growing before it is stored."""

logger = logging.getLogger(__name__)


class GroupCommit(Generic[New, Done]):
    """Collects submissions and stores them in batches, in order; each submitter waits for its own commit.

    `store` stores a batch on disk and returns one result for each item. At most `capacity` items may wait. A batch
    that has `batch` items takes no further submission. `results_per_iteration` says how many results are reported in
    one iteration of the event loop.
    """

    def __init__(
        self,
        store: Callable[[Sequence[New]], Awaitable[list[Done]]],
        *,
        capacity: int = 10_000,
        batch: int = 500,
        results_per_iteration: Callable[[], int] = lambda: 32,
    ) -> None:
        self._store = store
        self._results_per_iteration = results_per_iteration
        self._batch = batch
        self._capacity = capacity
        self._size = 0
        self._waiting: deque[_Submission[New, Done]] = deque()
        self._arrived = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to store batches."""
        self._task = asyncio.create_task(self._run(), name="group-commit")

    @property
    def waiting(self) -> int:
        """How many items wait now."""
        return self._size

    @property
    def is_far_behind(self) -> bool:
        """Whether a fifth of the capacity is used: a submitter that can wait should."""
        return self._size > self._capacity // 5

    def submit(self, news: Sequence[New], on_result: OnResult[Done], *, beyond: int = 0) -> None:
        """Store `news`, which share a transaction, and call `on_result` with their results once they are on disk.

        It gets StoreUnavailableError or StoreRejectedError instead if they could not be stored. Raises JournalFullError
        at once if there is no room. A submission of higher priority may use `beyond` extra places.
        """
        if self._size and self._size + len(news) > self._capacity + beyond:
            raise JournalFullError(f"{self._size} writes wait already")
        self._size += len(news)
        self._waiting.append((news, on_result))
        self._arrived.set()
        self._is_idle.clear()

    async def write(self, news: Sequence[New]) -> list[Done]:
        """As `submit`, but wait for the results. Cancelling does not undo the write. Raises the error of the write."""
        done: asyncio.Future[list[Done]] = asyncio.get_running_loop().create_future()
        self.submit(news, partial(_resolve, done))
        return await done

    async def settled(self) -> None:
        """Wait until nothing waits for its commit."""
        await self._is_idle.wait()

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Store what waits, then stop; stop after so many seconds in any case."""
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
            await self._arrived.wait()
            taken = [self._waiting.popleft()]
            size = len(taken[0][0])
            until = perf_counter() + GATHER_SECONDS
            while size < self._batch and perf_counter() < until:
                await asyncio.sleep(0)  # let more submissions arrive: a commit costs more than a row
                if not self._waiting:
                    break
                while size < self._batch and self._waiting:
                    taken.append(self._waiting.popleft())
                    size += len(taken[-1][0])
            await self._commit(taken)
            self._size -= size
            if not self._waiting:
                self._arrived.clear()
                self._is_idle.set()

    async def _commit(self, taken: list[_Submission[New, Done]]) -> None:
        try:
            results = await self._store([new for news, _ in taken for new in news])
        except StoreUnavailableError as error:
            _reject(taken, error)
        except Exception as error:
            if len(taken) > 1:  # one of them cannot be written: try each on its own
                for one in taken:
                    await self._commit([one])
                return
            logger.error("a write failed unexpectedly: %s", error)
            rejected = error if isinstance(error, StoreError) else StoreRejectedError(f"it cannot be written: {error}")
            _reject(taken, rejected)
        else:
            at, left = 0, self._results_per_iteration()
            for news, on_result in taken:
                if left <= 0:
                    await asyncio.sleep(0)
                    left = self._results_per_iteration()
                _call(on_result, results[at : at + len(news)])
                at += len(news)
                left -= 1


def _reject(taken: list[_Submission[New, Done]], error: StoreError) -> None:
    for _, on_result in taken:
        _call(on_result, error)


def _call(on_result: OnResult[Done], results: list[Done] | StoreError) -> None:
    try:
        on_result(results)
    except Exception:
        logger.exception("the callback of a write failed")


def _resolve(done: asyncio.Future[list[Done]], results: list[Done] | StoreError) -> None:
    if done.done():
        return  # the waiter was cancelled
    if isinstance(results, StoreError):
        done.set_exception(results)
    else:
        done.set_result(results)
