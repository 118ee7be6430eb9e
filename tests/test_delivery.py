"""Deliveries: run after the acknowledgement, from the database, and what becomes of them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from receiver import CallRecord, Context, Drop, Handlers, RetryLater
from receiver.providers.voicenter import Cdr
from storage import deliveries
from tests.support import Running, eventually, running, states

CDR = {"caller": "0540000000", "ivruniqueid": "call-1", "status": "ANSWER"}


@asynccontextmanager
async def told(database_url: str, function: Any, **settings: Any) -> AsyncIterator[tuple[Running, Handlers]]:
    """A receiver whose one handler is `function`, called f."""
    handlers = Handlers()
    limits = {name: settings.pop(name) for name in ("attempts", "timeout", "concurrency") if name in settings}
    handlers.on(Cdr, name="f", **limits)(function)
    async with running(database_url, handlers, **settings) as receiver:
        yield receiver, handlers


async def test_a_handler_that_fails_is_recorded_with_its_traceback(database_url: str) -> None:
    """The provider got its acknowledgement all the same (B-31)."""

    def fails(cdr: Cdr) -> None:
        raise ValueError("the CRM is down")

    async with told(database_url, fails, attempts=1) as (receiver, _):
        assert (await receiver.client.post("/voicenter", json=CDR)).json() == {"err": "0", "errdesc": "OK"}
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    [delivery] = receiver.deliveries(1)
    [attempt] = delivery.failures
    assert (attempt.result, attempt.error) == ("failed", "ValueError: the CRM is down")
    assert "test_delivery.py" in attempt.traceback


async def test_a_failed_delivery_is_tried_again_with_the_same_id(database_url: str) -> None:
    """`ctx.delivery_id` is an idempotency key; `ctx.attempt` counts."""
    seen: list[tuple[str | None, int]] = []

    async def fails_twice(cdr: Cdr, context: Context) -> None:
        seen.append((context.delivery_id, context.attempt))
        if context.attempt < 3:
            raise ValueError("not yet")

    async with told(database_url, fails_twice, retry_first_pause=0) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert seen == [("1", 1), ("1", 2), ("1", 3)]
    assert len(receiver.deliveries(1)[0].failures) == 2


async def test_retry_later_waits_as_long_as_the_handler_says(database_url: str) -> None:
    """And the reason is there to read."""

    def later(cdr: Cdr) -> None:
        raise RetryLater("the CRM answered 503", after=3600)

    async with told(database_url, later) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
        seconds = receiver.look(lambda connection: deliveries.seconds_to_next(connection, ["f"]))
    assert seconds is not None
    assert seconds > 3000
    assert receiver.deliveries(1)[0].reason == "the CRM answered 503"


async def test_drop_gives_up_at_once(database_url: str) -> None:
    """No second try for what will never work."""

    def drop(cdr: Cdr) -> None:
        raise Drop("a test call")

    async with told(database_url, drop) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dropped"])
    assert [(one.result, one.error) for one in receiver.deliveries(1)[0].failures] == [("dropped", "a test call")]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_that_takes_too_long_is_late(database_url: str, is_async: bool) -> None:
    """Its attempt counts as failed, whether it can be cancelled or not."""
    release = threading.Event()

    async def waits(cdr: Cdr) -> None:
        await asyncio.sleep(60)

    def blocks(cdr: Cdr) -> None:
        release.wait(10)

    async with told(database_url, waits if is_async else blocks, timeout=0.1, attempts=1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
        release.set()
    assert receiver.deliveries(1)[0].failures[0].result == "late"


async def test_a_hanging_handler_slows_no_other(database_url: str) -> None:
    """Not even when all its places are taken."""
    release, done = threading.Event(), []
    handlers = Handlers()
    handlers.on(Cdr, name="hangs", concurrency=1)(lambda cdr: release.wait(10))
    handlers.on(Cdr, name="works", concurrency=1)(lambda cdr: done.append(cdr.call_id))
    async with running(database_url, handlers) as receiver:
        for number in range(5):
            await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": str(number)})
        await eventually(lambda: sorted(done) == ["0", "1", "2", "3", "4"])
        release.set()


async def test_events_of_one_call_come_in_order(database_url: str) -> None:
    """Also when the first one fails at first, and while other calls overtake."""
    seen: list[tuple[str, int]] = []

    async def note(cdr: Cdr, context: Context) -> None:
        if cdr.duration == 0 and context.attempt == 1:
            raise ValueError("try again")
        seen.append((cdr.call_id, cdr.duration or 0))

    async with told(database_url, note, retry_first_pause=0) as (receiver, _):
        for duration in range(4):
            for call in "ab":
                await receiver.client.post("/voicenter", json={"ivruniqueid": call, "duration": duration})
        await eventually(lambda: len(seen) == 8)
    for call in "ab":
        assert [duration for name, duration in seen if name == call] == [0, 1, 2, 3]


async def test_a_delivery_outlives_the_receiver(database_url: str) -> None:
    """What was due when it stopped is done after it starts again: the database is where deliveries start."""
    release, seen = asyncio.Event(), []

    async def waits(cdr: Cdr) -> None:
        await release.wait()

    async with told(database_url, waits, shutdown_seconds=0.1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["running"])
    assert states(receiver.deliveries(1)) == ["due"]
    assert receiver.deliveries(1)[0].failures[0].result == "released"
    async with told(database_url, lambda cdr: seen.append(cdr.call_id)) as (receiver, _):
        await eventually(lambda: seen == ["call-1"])


async def test_a_handler_that_is_not_loaded_keeps_its_deliveries(database_url: str) -> None:
    """They wait until it is back; nothing is thrown away."""
    async with told(database_url, lambda cdr: 1 / 0, retry_first_pause=3600) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
    async with running(database_url) as receiver:
        assert states(receiver.deliveries(1)) == ["due"]


async def test_a_renamed_handler_gets_what_waits_under_its_old_name(database_url: str) -> None:
    """An alias is enough."""
    async with told(database_url, lambda cdr: 1 / 0, retry_first_pause=0.2) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
    seen: list[Cdr] = []
    renamed = Handlers()
    renamed.on(Cdr, name="g", aliases=["f"])(lambda cdr: seen.append(cdr))
    async with running(database_url, renamed) as receiver:
        await eventually(lambda: len(seen) == 1)


async def test_the_event_is_read_again_from_the_stored_bytes(database_url: str) -> None:
    """What a handler gets is what was sent, with all that the provider's options derive."""
    seen: list[CallRecord] = []
    handlers = Handlers()
    handlers.on(CallRecord)(lambda record: seen.append(record))
    options = {"voicenter": {"time_zone": "Asia/Jerusalem"}}
    async with running(database_url, handlers, providers=options) as receiver:
        await receiver.client.post("/voicenter", json={**CDR, "time": 1536855354})
        await eventually(lambda: len(seen) == 1)
    assert seen[0].started is not None
    assert seen[0].started.isoformat() == "2018-09-13T16:15:54+03:00"


async def test_a_filter_that_raises_is_a_failed_delivery(database_url: str) -> None:
    """The record is accepted and the mistake can be seen, not lost."""
    handlers = Handlers()
    handlers.on(Cdr, name="f", attempts=1, caller=lambda caller: caller.no_such_thing)(lambda cdr: None)
    async with running(database_url, handlers) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).json()["err"] == "0"
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    assert "AttributeError" in receiver.deliveries(1)[0].reason


async def test_a_thread_that_hangs_keeps_its_place(database_url: str) -> None:
    """Others of its handler wait for a place; they are not given up without having been called."""
    release, started = threading.Event(), []

    def hangs_at_first(cdr: Cdr) -> None:
        started.append(cdr.call_id)
        if cdr.call_id == "0":
            release.wait(10)

    async with told(database_url, hangs_at_first, timeout=0.1, attempts=1, concurrency=1) as (receiver, _):
        for number in range(3):
            await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": str(number)})
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
        assert started == ["0"]
        assert states(receiver.deliveries(2)) == ["due"]
        release.set()
        await eventually(lambda: states(receiver.deliveries(2)) + states(receiver.deliveries(3)) == ["done", "done"])


@pytest.mark.parametrize("text", ["a\0b", "lone \ud800", "x" * 100_000])
async def test_an_error_of_any_text_can_be_written_down(database_url: str, text: str) -> None:
    """Or its delivery would run for ever."""

    def fails(cdr: Cdr) -> None:
        raise ValueError(text)

    async with told(database_url, fails, attempts=1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])


async def test_a_handler_that_cancels_itself_fails_like_any_other(database_url: str) -> None:
    """Its attempts count, and it is dead after the last."""

    async def cancels(cdr: Cdr) -> None:
        raise asyncio.CancelledError

    async with told(database_url, cancels, attempts=2, retry_first_pause=0) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    assert [one.result for one in receiver.deliveries(1)[0].failures] == ["failed", "failed"]


async def test_what_runs_here_is_never_taken_over_by_ourselves(database_url: str) -> None:
    """However short its lease: one at a time."""
    seen: list[int] = []

    async def slow(cdr: Cdr, context: Context) -> None:
        seen.append(context.attempt)
        await asyncio.sleep(1)

    async with told(database_url, slow, lease_seconds=0.01) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert seen == [1]
