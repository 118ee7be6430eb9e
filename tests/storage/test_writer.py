"""Group commit: who waits at one moment shares one transaction."""

import asyncio
from collections.abc import Sequence

import pytest

from storage import GroupCommit, JournalFullError, StoreError, StoreUnavailableError
from storage.errors import StoreRejectedError


class Recorder:
    """A `write` that remembers its batches and fails on demand."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def write(self, batch: Sequence[str]) -> list[str]:
        """Remember the batch; "store" and "bug" make it fail as a database and as a fault of ours would."""
        self.batches.append(list(batch))
        if "store" in batch:
            raise StoreUnavailableError("the disk is full")
        if "bug" in batch:
            raise ValueError("this cannot be written")
        return [item.upper() for item in batch]


async def test_all_that_wait_share_a_transaction() -> None:
    """Each gets its own result, in order."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    waiting = [writer.submit([name]) for name in "abc"] + [writer.submit(["d", "e"])]
    writer.start()
    assert await asyncio.gather(*waiting) == [["A"], ["B"], ["C"], ["D", "E"]]
    assert recorder.batches == [["a", "b", "c", "d", "e"]]
    await writer.close()


async def test_a_transaction_takes_no_more_than_a_batch() -> None:
    """The rest goes into the next one."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write, batch=2)
    waiting = [writer.submit([name]) for name in "abcde"]
    writer.start()
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in recorder.batches] == [2, 2, 1]
    await writer.close()


async def test_a_full_queue_refuses_at_once() -> None:
    """Nobody waits for a place."""
    writer = GroupCommit(Recorder().write, capacity=1)
    first = writer.submit(["a"])
    with pytest.raises(JournalFullError):
        writer.submit(["b"])
    writer.start()
    assert await first == ["A"]
    await writer.close()


async def test_a_failed_commit_is_told_to_all_who_waited_for_it() -> None:
    """Nobody is told that something is on disk when it is not, and the next batch is written again."""
    writer = GroupCommit(Recorder().write)
    waiting = [writer.submit([name]) for name in ("a", "store")]
    writer.start()
    assert all(isinstance(error, StoreError) for error in await asyncio.gather(*waiting, return_exceptions=True))
    assert await writer.submit(["later"]) == ["LATER"]
    await writer.close()


async def test_one_that_cannot_be_written_does_not_take_the_others_with_it() -> None:
    """The batch is written again one by one, and only the guilty one fails."""
    writer = GroupCommit(Recorder().write)
    waiting = [writer.submit([name]) for name in ("a", "bug", "c")]
    writer.start()
    good, bad, also_good = await asyncio.gather(*waiting, return_exceptions=True)
    assert (good, also_good) == (["A"], ["C"])
    assert isinstance(bad, StoreRejectedError)
    await writer.close()


async def test_closing_writes_what_waits() -> None:
    """Nothing that was submitted is forgotten."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    waiting = writer.submit(["a"])
    writer.start()
    await writer.close()
    assert waiting.result() == ["A"]
