"""Records take turns, and a question goes first."""

import asyncio
from contextlib import ExitStack

import pytest

from receiver import turns
from receiver.turns import AT_ONCE, HEAD_START, Turns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(turns, "monotonic", lambda: now[0])
    return now


async def _rounds(count: int = 1) -> None:
    """So many rounds of the loop, and a moment for those who look again later."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_record_alone_waits_for_nobody() -> None:
    """Not even for one round of the loop."""
    order = Turns()
    coroutine = order.of_record()
    with pytest.raises(StopIteration):
        coroutine.send(None)
    assert order.waiting == 0


async def test_many_records_come_a_few_at_a_time_and_in_order() -> None:
    """So that the loop sees what else there is after each few."""
    order, done = Turns(), list[int]()

    async def record(number: int) -> None:
        await order.of_record()
        done.append(number)

    tasks = [asyncio.create_task(record(number)) for number in range(5 * AT_ONCE)]
    seen = []
    while len(done) < len(tasks):
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == sorted(done)
    assert max(later - earlier for earlier, later in zip([0, *seen], seen, strict=False)) <= 2 * AT_ONCE
    assert order.waiting == 0


async def test_records_wait_while_a_question_is_new(clock: list[float]) -> None:
    """Until it is answered."""
    order = Turns()
    with order.of_question():
        record = asyncio.create_task(order.of_record())
        await asyncio.sleep(3 * HEAD_START)
        assert not record.done()
    clock[0] += 0.001
    await asyncio.wait_for(record, 1)


async def test_records_do_not_wait_for_a_slow_question(clock: list[float]) -> None:
    """Its handler waits for something else: after the head start they go on."""
    order = Turns()
    with order.of_question():
        record = asyncio.create_task(order.of_record())
        await _rounds()
        clock[0] += HEAD_START + 0.001
        await asyncio.wait_for(record, 1)


async def test_questions_without_end_leave_records_half_of_the_time(clock: list[float]) -> None:
    """However many there are, and however long they take."""
    order, closed = Turns(), 0
    with ExitStack() as questions:
        for _ in range(1000):
            clock[0] += HEAD_START / 10
            questions.enter_context(order.of_question())
            closed += order._is_closed()
    assert 300 < closed <= 550


async def test_a_record_whose_sender_has_gone_takes_no_turn(clock: list[float]) -> None:
    """The next one gets it."""
    order = Turns()
    with order.of_question():
        tasks = [asyncio.create_task(order.of_record()) for _ in range(AT_ONCE + 1)]
        await _rounds()
        for gone in tasks[:AT_ONCE]:
            gone.cancel()
    await asyncio.wait_for(tasks[-1], 1)
    assert order.waiting == 0
