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


async def _submitted(writer: GroupCommit[str, str], *several: Sequence[str]) -> list[asyncio.Task[list[str]]]:
    """Who waits for each of these, which are all in the queue now."""
    waiting = [asyncio.create_task(writer.write(list(news))) for news in several]
    await asyncio.sleep(0)
    return waiting


async def test_all_that_wait_share_a_transaction() -> None:
    """Each gets its own result, in order."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    waiting = await _submitted(writer, "a", "b", "c", "de")
    writer.start()
    assert await asyncio.gather(*waiting) == [["A"], ["B"], ["C"], ["D", "E"]]
    assert recorder.batches == [["a", "b", "c", "d", "e"]]
    await writer.close()


async def test_a_transaction_takes_no_more_than_a_batch() -> None:
    """The rest goes into the next one."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write, batch=2)
    waiting = await _submitted(writer, *"abcde")
    writer.start()
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in recorder.batches] == [2, 2, 1]
    await writer.close()


async def test_a_full_queue_refuses_at_once() -> None:
    """Nobody waits for a place."""
    writer = GroupCommit(Recorder().write, capacity=1)
    [first] = await _submitted(writer, "a")
    with pytest.raises(JournalFullError):
        await writer.write(["b"])
    writer.start()
    assert await first == ["A"]
    await writer.close()


async def test_a_failed_commit_is_told_to_all_who_waited_for_it() -> None:
    """Nobody is told that something is on disk when it is not, and the next batch is written again."""
    writer = GroupCommit(Recorder().write)
    waiting = await _submitted(writer, "a", ["store"])
    writer.start()
    assert all(isinstance(error, StoreError) for error in await asyncio.gather(*waiting, return_exceptions=True))
    assert await writer.write(["later"]) == ["LATER"]
    await writer.close()


async def test_one_that_cannot_be_written_does_not_take_the_others_with_it() -> None:
    """The batch is written again one by one, and only the guilty one fails."""
    writer = GroupCommit(Recorder().write)
    waiting = await _submitted(writer, "a", ["bug"], "c")
    writer.start()
    good, bad, also_good = await asyncio.gather(*waiting, return_exceptions=True)
    assert (good, also_good) == (["A"], ["C"])
    assert isinstance(bad, StoreRejectedError)
    await writer.close()


async def test_closing_writes_what_waits() -> None:
    """Nothing that was submitted is forgotten."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    [waiting] = await _submitted(writer, "a")
    writer.start()
    await writer.close()
    assert waiting.result() == ["A"]


async def test_who_gives_up_waiting_keeps_nothing_from_being_stored() -> None:
    """Its sender may have gone: what it sent counts all the same."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    [gone] = await _submitted(writer, "a")
    gone.cancel()
    writer.start()
    assert await writer.write(["b"]) == ["B"]
    assert recorder.batches == [["a", "b"]]
    await writer.close()


async def test_one_that_fails_when_it_is_told_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """The others of its batch are told, and the next batch is written."""
    writer = GroupCommit(Recorder().write)

    def fails(_: object) -> None:
        raise ValueError("a fault of ours")

    writer.submit(["a"], fails)
    [other] = await _submitted(writer, "b")
    writer.start()
    assert (await other, await writer.write(["c"])) == (["B"], ["C"])
    assert "a fault of ours" in caplog.text
    await writer.close()


async def test_results_are_given_out_a_few_at_a_time() -> None:
    """The loop gets a turn in between, as often as is asked for."""
    told, seen = list[list[str] | StoreError](), list[int]()
    writer = GroupCommit(Recorder().write, results_per_iteration=lambda: 2)
    for name in "abcde":
        writer.submit([name], told.append)
    writer.start()
    while len(told) < 5:
        await asyncio.sleep(0)
        seen.append(len(told))
    assert told == [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert {2, 4} <= set(seen)
    await writer.close()
