"""Priority on the event loop: questions before records."""

import asyncio
from contextlib import ExitStack
from functools import partial

import pytest

from receiver.intake import priority
from receiver.intake.priority import HOLD_SECONDS, RECORDS_PER_ROUND, PriorityGate
from tests.support import eventually


class Clock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the gate under test."""
    return Clock()


async def test_a_single_record_runs_at_once() -> None:
    """It does not wait for the next round of the loop."""
    gate, done = PriorityGate(), list[int]()
    gate.submit(lambda: done.append(1))
    assert (done, gate.waiting) == ([1], 0)


async def test_many_records_run_a_few_at_a_time_and_in_order() -> None:
    """After each few the loop runs whatever else is ready."""
    gate, done = PriorityGate(), list[int]()
    count = 5 * RECORDS_PER_ROUND
    for number in range(count):
        gate.submit(partial(done.append, number))
    seen = [len(done)]
    while len(done) < count:
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == sorted(done)
    assert max(later - earlier for earlier, later in zip([0, *seen], seen, strict=False)) <= RECORDS_PER_ROUND
    assert gate.waiting == 0


async def test_records_wait_while_a_question_is_new(clock: Clock) -> None:
    """They wait until it is answered."""
    gate, done = PriorityGate(clock), list[int]()
    with gate.question_in_progress():
        gate.submit(lambda: done.append(1))
        await asyncio.sleep(3 * HOLD_SECONDS)
        assert not done
    clock.now += 0.001
    await eventually(lambda: done == [1])


async def test_records_do_not_wait_for_a_slow_question(clock: Clock) -> None:
    """After HOLD_SECONDS records continue, because the question's handler waits for something else."""
    gate, done = PriorityGate(clock), list[int]()
    with gate.question_in_progress():
        gate.submit(lambda: done.append(1))
        await asyncio.sleep(0)
        clock.now += HOLD_SECONDS + 0.001
        await eventually(lambda: done == [1])


async def test_questions_without_end_leave_records_half_of_the_time(clock: Clock) -> None:
    """However many questions there are, and however long they take."""
    gate, closed = PriorityGate(clock), 0
    with ExitStack() as questions:
        for _ in range(1000):
            clock.now += HOLD_SECONDS / 10
            questions.enter_context(gate.question_in_progress())
            closed += gate._holds_records()
    assert 300 < closed <= 550


def test_replies_are_sent_in_large_batches_unless_questions_arrive(clock: Clock) -> None:
    """While questions arrive, batches are small, so that the loop can run them in between."""
    gate = PriorityGate(clock)
    assert gate.reply_batch_size() == priority.MAX_REPLIES
    with gate.question_in_progress():
        clock.now += 10
        assert gate.reply_batch_size() == priority.MIN_REPLIES
    assert gate.reply_batch_size() == priority.MAX_REPLIES
    with gate.question_in_progress():
        pass
    assert gate.reply_batch_size() == priority.MIN_REPLIES
    clock.now += priority.RECENT_SECONDS
    assert gate.reply_batch_size() == priority.MAX_REPLIES


async def test_a_record_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged, whether the record ran at once or had to wait."""
    gate, done = PriorityGate(), list[int]()

    def fails() -> None:
        raise ValueError("a fault of ours")

    for _ in range(3 * RECORDS_PER_ROUND):
        gate.submit(fails)
    gate.submit(partial(done.append, 1))
    await eventually(lambda: done == [1])
    assert caplog.text.count("ValueError: a fault of ours") == 3 * RECORDS_PER_ROUND
