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

OnResult = Callable[[list[Done] | StoreError], None]
"""Called with the results of a submission, or with the error. What it raises is logged."""
_Submission = tuple[Sequence[New], OnResult[Done]]

CLOSE_SECONDS = 10.0
"""How long closing waits for the writes that wait."""

GATHER_SECONDS = 0.005
"""How long a batch may grow, as long as it does, before it is stored."""

logger = logging.getLogger(__name__)


class GroupCommit(Generic[New, Done]):
    """Collects what is to be stored and stores it in batches, in order; each waits for its own commit.

    `store` puts a batch on disk and returns one result for each. At most `capacity` items may wait; one batch
    takes no further submission once it has `batch` items. `results_per_iteration` says how many
    results are reported in one iteration of the event loop.
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
        self._told_at_once = results_per_iteration
        self._batch = batch
        self._capacity = capacity
        self._size = 0
        self._waiting: deque[_Submission[New, Done]] = deque()
        self._arrived = asyncio.Event()
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
        """Whether a fifth of the capacity is used: a submitter that can wait should."""
        return self._size > self._capacity // 5

    def submit(self, news: Sequence[New], on_result: OnResult[Done], *, beyond: int = 0) -> None:
        """Store `news`, which share a transaction, and call `on_result` with their results once they are on disk.

        It gets StoreUnavailableError or StoreRejectedError in their place if they could not be stored. Raises
        JournalFullError at once if there is no room; what counts more than the rest may take `beyond` places more
        than there are.
        """
        if self._size and self._size + len(news) > self._capacity + beyond:
            raise JournalFullError(f"{self._size} writes wait already")
        self._size += len(news)
        self._waiting.append((news, on_result))
        self._arrived.set()
        self._is_idle.clear()

    async def write(self, news: Sequence[New]) -> list[Done]:
        """As `submit`, but wait for the results. Cancelling does not unstore it. Raises what `on_result` would get."""
        done: asyncio.Future[list[Done]] = asyncio.get_running_loop().create_future()
        self.submit(news, partial(_resolve, done))
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
            await self._arrived.wait()
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
                self._arrived.clear()
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
            for news, on_result in taken:
                if left <= 0:
                    await asyncio.sleep(0)
                    left = self._told_at_once()
                _call(on_result, results[at : at + len(news)])
                at += len(news)
                left -= 1


def _refuse(taken: list[_Submission[New, Done]], error: StoreError) -> None:
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
