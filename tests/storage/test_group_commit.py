"""Group commit: submissions that wait at one moment share one transaction."""

import asyncio
from collections.abc import Sequence

import pytest

from storage import GroupCommit, JournalFullError, StoreError, StoreUnavailableError
from storage.errors import StoreRejectedError


class Recorder:
    """A `write` function that records its batches and fails on demand."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def write(self, batch: Sequence[str]) -> list[str]:
        """Record the batch; "store" fails as an unreachable database does, "bug" as a fault of ours."""
        self.batches.append(list(batch))
        if "store" in batch:
            raise StoreUnavailableError("the disk is full")
        if "bug" in batch:
            raise ValueError("this cannot be written")
        return [item.upper() for item in batch]


async def _submitted(writer: GroupCommit[str, str], *several: Sequence[str]) -> list[asyncio.Task[list[str]]]:
    """The waiting tasks of these submissions, which are all in the queue now."""
    waiting = [asyncio.create_task(writer.write(list(news))) for news in several]
    await asyncio.sleep(0)
    return waiting


async def test_waiting_submissions_share_a_transaction() -> None:
    """Each gets its own results, in order."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    waiting = await _submitted(writer, "a", "b", "c", "de")
    writer.start()
    assert await asyncio.gather(*waiting) == [["A"], ["B"], ["C"], ["D", "E"]]
    assert recorder.batches == [["a", "b", "c", "d", "e"]]
    await writer.close()


async def test_a_transaction_takes_no_more_than_a_batch() -> None:
    """The rest goes into the next transaction."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write, batch=2)
    waiting = await _submitted(writer, *"abcde")
    writer.start()
    await asyncio.gather(*waiting)
    assert [len(batch) for batch in recorder.batches] == [2, 2, 1]
    await writer.close()


async def test_a_full_queue_rejects_at_once() -> None:
    """A submission does not wait for a place."""
    writer = GroupCommit(Recorder().write, capacity=1)
    [first] = await _submitted(writer, "a")
    with pytest.raises(JournalFullError):
        await writer.write(["b"])
    writer.start()
    assert await first == ["A"]
    await writer.close()


async def test_a_failed_commit_fails_every_submission_of_its_batch() -> None:
    """No submission is reported as stored when it is not; the next batch is written."""
    writer = GroupCommit(Recorder().write)
    waiting = await _submitted(writer, "a", ["store"])
    writer.start()
    assert all(isinstance(error, StoreError) for error in await asyncio.gather(*waiting, return_exceptions=True))
    assert await writer.write(["later"]) == ["LATER"]
    await writer.close()


async def test_a_submission_that_cannot_be_written_fails_alone() -> None:
    """The submissions of the batch are then written one by one."""
    writer = GroupCommit(Recorder().write)
    waiting = await _submitted(writer, "a", ["bug"], "c")
    writer.start()
    good, bad, also_good = await asyncio.gather(*waiting, return_exceptions=True)
    assert (good, also_good) == (["A"], ["C"])
    assert isinstance(bad, StoreRejectedError)
    await writer.close()


async def test_closing_writes_what_waits() -> None:
    """Every submission is stored."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    [waiting] = await _submitted(writer, "a")
    writer.start()
    await writer.close()
    assert waiting.result() == ["A"]


async def test_a_submission_is_stored_although_its_waiter_was_cancelled() -> None:
    """The sender may have disconnected."""
    recorder = Recorder()
    writer = GroupCommit(recorder.write)
    [gone] = await _submitted(writer, "a")
    gone.cancel()
    writer.start()
    assert await writer.write(["b"]) == ["B"]
    assert recorder.batches == [["a", "b"]]
    await writer.close()


async def test_an_on_result_that_raises_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """The others of its batch get their results, and the next batch is written."""
    writer = GroupCommit(Recorder().write)

    def fails(_: object) -> None:
        raise ValueError("a fault of ours")

    writer.submit(["a"], fails)
    [other] = await _submitted(writer, "b")
    writer.start()
    assert (await other, await writer.write(["c"])) == (["B"], ["C"])
    assert "a fault of ours" in caplog.text
    await writer.close()


async def test_results_are_reported_a_few_at_a_time() -> None:
    """The loop runs in between, after `results_per_iteration` results."""
    reported, seen = list[list[str] | StoreError](), list[int]()
    writer = GroupCommit(Recorder().write, results_per_iteration=lambda: 2)
    for name in "abcde":
        writer.submit([name], reported.append)
    writer.start()
    while len(reported) < 5:
        await asyncio.sleep(0)
        seen.append(len(reported))
    assert reported == [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert {2, 4} <= set(seen)
    await writer.close()
