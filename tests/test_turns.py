"""Records take turns, and a question goes first."""

import asyncio
from contextlib import ExitStack
from functools import partial

import pytest

from receiver import turns
from receiver.turns import AT_ONCE, HEAD_START, Turns
from tests.support import eventually


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(turns, "monotonic", lambda: now[0])
    return now


async def test_a_record_alone_waits_for_nobody() -> None:
    """Not even for one round of the loop."""
    order, done = Turns(), list[int]()
    order.take(lambda: done.append(1))
    assert (done, order.waiting) == ([1], 0)


async def test_many_records_come_a_few_at_a_time_and_in_order() -> None:
    """So that the loop sees what else there is after each few."""
    order, done = Turns(), list[int]()
    count = 5 * AT_ONCE
    for number in range(count):
        order.take(partial(done.append, number))
    seen = [len(done)]
    while len(done) < count:
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == sorted(done)
    assert max(later - earlier for earlier, later in zip([0, *seen], seen, strict=False)) <= AT_ONCE
    assert order.waiting == 0


async def test_records_wait_while_a_question_is_new(clock: list[float]) -> None:
    """Until it is answered."""
    order, done = Turns(), list[int]()
    with order.of_question():
        order.take(lambda: done.append(1))
        await asyncio.sleep(3 * HEAD_START)
        assert not done
    clock[0] += 0.001
    await eventually(lambda: done == [1])


async def test_records_do_not_wait_for_a_slow_question(clock: list[float]) -> None:
    """Its handler waits for something else: after the head start they go on."""
    order, done = Turns(), list[int]()
    with order.of_question():
        order.take(lambda: done.append(1))
        await asyncio.sleep(0)
        clock[0] += HEAD_START + 0.001
        await eventually(lambda: done == [1])


async def test_questions_without_end_leave_records_half_of_the_time(clock: list[float]) -> None:
    """However many there are, and however long they take."""
    order, closed = Turns(), 0
    with ExitStack() as questions:
        for _ in range(1000):
            clock[0] += HEAD_START / 10
            questions.enter_context(order.of_question())
            closed += order._is_closed()
    assert 300 < closed <= 550


def test_replies_go_out_together_unless_questions_are_about(clock: list[float]) -> None:
    """Nobody is held up by many at once then; with questions about, the loop looks for them after a few."""
    order = Turns()
    assert order.replies_at_once() == turns.MOST_REPLIES_AT_ONCE
    with order.of_question():
        clock[0] += 10
        assert order.replies_at_once() == turns.REPLIES_AT_ONCE
    assert order.replies_at_once() == turns.MOST_REPLIES_AT_ONCE
    with order.of_question():
        pass
    assert order.replies_at_once() == turns.REPLIES_AT_ONCE
    clock[0] += turns.LATELY
    assert order.replies_at_once() == turns.MOST_REPLIES_AT_ONCE


async def test_one_that_fails_keeps_nobody_from_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, whether it came at once or had to wait."""
    order, done = Turns(), list[int]()

    def fails() -> None:
        raise ValueError("a fault of ours")

    for _ in range(3 * AT_ONCE):
        order.take(fails)
    order.take(partial(done.append, 1))
    await eventually(lambda: done == [1])
    assert caplog.text.count("ValueError: a fault of ours") == 3 * AT_ONCE
