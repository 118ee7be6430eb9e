"""Deliveries: they run after the acknowledgement, from the database, until they are finished."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from receiver import CallRecord, Context, Drop, Handlers, RetryLater
from receiver.delivery import fast_start
from receiver.intake.reread import reread
from receiver.providers.voicenter import Cdr
from storage import Database, StoreUnavailableError, journal, queue
from storage.values import Filter
from tests.storage.support import new_callback
from tests.support import Running, eventually, running, states

CDR = {"caller": "0540000000", "ivruniqueid": "call-1", "status": "ANSWER"}


@asynccontextmanager
async def delivering(database_url: str, function: Any, **settings: Any) -> AsyncIterator[tuple[Running, Handlers]]:
    """A receiver with one handler, `function`, named "f"."""
    handlers = Handlers()
    limits = {name: settings.pop(name) for name in ("attempts", "timeout", "concurrency") if name in settings}
    handlers.on(Cdr, name="f", **limits)(function)
    async with running(database_url, handlers, **settings) as receiver:
        yield receiver, handlers


async def test_a_handler_that_fails_is_recorded_with_its_traceback(database_url: str) -> None:
    """The provider still gets its acknowledgement (B-31)."""

    def fails(cdr: Cdr) -> None:
        raise ValueError("the CRM is down")

    async with delivering(database_url, fails, attempts=1) as (receiver, _):
        assert (await receiver.client.post("/voicenter", json=CDR)).json() == {"err": "0", "errdesc": "OK"}
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    [delivery] = receiver.deliveries(1)
    [attempt] = delivery.failures
    assert (attempt.result, attempt.error) == ("failed", "ValueError: the CRM is down")
    assert "test_worker.py" in attempt.traceback


async def test_a_claim_whose_result_is_lost_does_not_wait_for_its_lease(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection may break after the commit: the worker then releases leases that it does not know of."""
    write, lost = Database.write, list[Any]()

    async def breaks_once(database: Database, work: Any) -> Any:
        answer = await write(database, work)
        if getattr(work, "func", None) is queue.claim and answer and not lost:
            lost.append(answer)
            raise StoreUnavailableError("server closed the connection unexpectedly")
        return answer

    monkeypatch.setattr(Database, "write", breaks_once)
    async with delivering(postgres_url, lambda cdr: None) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert lost


async def test_a_failed_delivery_is_retried_with_the_same_id(database_url: str) -> None:
    """`ctx.delivery_id` is an idempotency key; `ctx.attempt` counts."""
    seen: list[tuple[str | None, int]] = []

    async def fails_twice(cdr: Cdr, context: Context) -> None:
        seen.append((context.delivery_id, context.attempt))
        if context.attempt < 3:
            raise ValueError("not yet")

    async with delivering(database_url, fails_twice, retry_first_pause=0) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert seen == [("1", 1), ("1", 2), ("1", 3)]
    assert len(receiver.deliveries(1)[0].failures) == 2


async def test_retry_later_waits_as_long_as_the_handler_says(database_url: str) -> None:
    """The reason is stored."""

    def later(cdr: Cdr) -> None:
        raise RetryLater("the CRM answered 503", after=3600)

    async with delivering(database_url, later) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
        seconds = receiver.query(lambda connection: queue.seconds_to_next(connection, ["f"]))
    assert seconds is not None
    assert seconds > 3000
    assert receiver.deliveries(1)[0].reason == "the CRM answered 503"


async def test_drop_gives_up_at_once(database_url: str) -> None:
    """A dropped delivery is not retried."""

    def drop(cdr: Cdr) -> None:
        raise Drop("a test call")

    async with delivering(database_url, drop) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dropped"])
    assert [(one.result, one.error) for one in receiver.deliveries(1)[0].failures] == [("dropped", "a test call")]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_that_takes_too_long_is_late(database_url: str, is_async: bool) -> None:
    """The attempt fails, whether the handler can be cancelled or not."""
    release = threading.Event()

    async def waits(cdr: Cdr) -> None:
        await asyncio.sleep(60)

    def blocks(cdr: Cdr) -> None:
        release.wait(10)

    async with delivering(database_url, waits if is_async else blocks, timeout=0.1, attempts=1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
        release.set()
    assert receiver.deliveries(1)[0].failures[0].result == "late"


async def test_a_hanging_handler_slows_no_other(database_url: str) -> None:
    """Also when all of its places are occupied."""
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
    """Also if the first attempt of the first event fails; other calls do not wait."""
    seen: list[tuple[str, int]] = []

    async def note(cdr: Cdr, context: Context) -> None:
        if cdr.duration == 0 and context.attempt == 1:
            raise ValueError("not yet")
        seen.append((cdr.call_id, cdr.duration or 0))

    async with delivering(database_url, note, retry_first_pause=0) as (receiver, _):
        for duration in range(4):
            for call in "ab":
                await receiver.client.post("/voicenter", json={"ivruniqueid": call, "duration": duration})
        await eventually(lambda: len(seen) == 8)
    for call in "ab":
        assert [duration for name, duration in seen if name == call] == [0, 1, 2, 3]


async def test_a_delivery_survives_a_restart_of_the_receiver(database_url: str) -> None:
    """A delivery that is unfinished when the receiver stops is delivered after the restart."""
    release, seen = asyncio.Event(), []

    async def waits(cdr: Cdr) -> None:
        await release.wait()

    async with delivering(database_url, waits, shutdown_seconds=0.1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["running"])
    assert states(receiver.deliveries(1)) == ["due"]
    assert receiver.deliveries(1)[0].failures[0].result == "released"
    async with delivering(database_url, lambda cdr: seen.append(cdr.call_id)) as (receiver, _):
        await eventually(lambda: seen == ["call-1"])


async def test_a_handler_that_is_not_loaded_keeps_its_deliveries(database_url: str) -> None:
    """They wait until the handler is loaded again."""
    async with delivering(database_url, lambda cdr: 1 / 0, retry_first_pause=3600) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
    async with running(database_url) as receiver:
        assert states(receiver.deliveries(1)) == ["due"]


async def test_a_renamed_handler_gets_what_waits_under_its_old_name(database_url: str) -> None:
    """The old name is its alias."""
    async with delivering(database_url, lambda cdr: 1 / 0, retry_first_pause=0.2) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: bool(receiver.deliveries(1)[0].failures))
    seen: list[Cdr] = []
    renamed = Handlers()
    renamed.on(Cdr, name="g", aliases=["f"])(lambda cdr: seen.append(cdr))
    async with running(database_url, renamed) as receiver:
        await eventually(lambda: len(seen) == 1)


async def test_the_event_is_parsed_from_the_stored_bytes(database_url: str) -> None:
    """The handler gets what was sent, with the values that the provider's options derive."""
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
    """The record is accepted, and the error is visible."""
    handlers = Handlers()
    handlers.on(Cdr, name="f", attempts=1, caller=lambda caller: caller.no_such_thing)(lambda cdr: None)
    async with running(database_url, handlers) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).json()["err"] == "0"
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    assert "AttributeError" in receiver.deliveries(1)[0].reason


async def test_a_thread_that_hangs_keeps_its_place(database_url: str) -> None:
    """Other deliveries to its handler wait for a place; they do not become dead without an attempt."""
    release, started = threading.Event(), []

    def hangs_at_first(cdr: Cdr) -> None:
        started.append(cdr.call_id)
        if cdr.call_id == "0":
            release.wait(10)

    async with delivering(database_url, hangs_at_first, timeout=0.1, attempts=1, concurrency=1) as (receiver, _):
        for number in range(3):
            await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": str(number)})
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
        assert started == ["0"]
        assert states(receiver.deliveries(2)) == ["due"]
        release.set()
        await eventually(lambda: states(receiver.deliveries(2)) + states(receiver.deliveries(3)) == ["done", "done"])


@pytest.mark.parametrize("text", ["a\0b", "lone \ud800", "x" * 100_000])
async def test_an_error_with_any_text_can_be_stored(database_url: str, text: str) -> None:
    """Otherwise its delivery would never finish."""

    def fails(cdr: Cdr) -> None:
        raise ValueError(text)

    async with delivering(database_url, fails, attempts=1) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])


async def test_a_handler_that_cancels_itself_has_failed(database_url: str) -> None:
    """The attempts count, and the delivery is dead after the last one."""

    async def cancels(cdr: Cdr) -> None:
        raise asyncio.CancelledError

    async with delivering(database_url, cancels, attempts=2, retry_first_pause=0) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["dead"])
    assert [one.result for one in receiver.deliveries(1)[0].failures] == ["failed", "failed"]


async def test_a_worker_never_takes_over_its_own_delivery(database_url: str) -> None:
    """However short the lease is."""
    seen: list[int] = []

    async def slow(cdr: Cdr, context: Context) -> None:
        seen.append(context.attempt)
        await asyncio.sleep(1)

    async with delivering(database_url, slow, lease_seconds=0.01) as (receiver, _):
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert seen == [1]


async def _settled() -> None:
    """Wait until the receiver has found no older deliveries: then new ones start at once."""
    await asyncio.sleep(0.2)


async def test_a_delivery_that_starts_at_once_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite the handler gets the event in memory; a second attempt parses it again."""
    seen: list[Cdr] = []
    reads: list[int] = []

    def read(provider: Any, callback: Any) -> Any:
        reads.append(callback.id)
        return reread(provider, callback)

    monkeypatch.setattr("receiver.app.reread", read)

    def fails_once(cdr: Cdr) -> None:
        seen.append(cdr)
        if len(seen) == 1:
            raise ValueError("not yet")

    url = f"sqlite:///{tmp_path}/journal.db"
    async with delivering(url, fails_once, retry_first_pause=0) as (receiver, _):
        await _settled()
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert seen[0] == seen[1]
    assert reads == [1]
    assert receiver.deliveries(1)[0].attempts == 2


async def test_a_large_callback_is_claimed_and_the_next_one_starts_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large callback waits on disk, not in memory; this does not affect others."""
    reads: list[int] = []

    def read(provider: Any, callback: Any) -> Any:
        reads.append(callback.id)
        return reread(provider, callback)

    monkeypatch.setattr("receiver.app.reread", read)
    async with delivering(f"sqlite:///{tmp_path}/journal.db", lambda cdr: None) as (receiver, _):
        for number, extra in enumerate(["", "x" * 200_000, "", ""]):
            await _settled()
            await receiver.client.post("/voicenter", json={**CDR, "ivruniqueid": str(number), "text": extra})
            await eventually(partial(_is_done, receiver, number + 1))
    assert reads == [2]


def _is_done(receiver: Running, callback_id: int) -> bool:
    return states(receiver.deliveries(callback_id)) == ["done"]


async def test_each_handler_has_an_event_of_its_own(tmp_path: Path) -> None:
    """The changes of one handler do not reach the other."""
    seen: list[dict[str, Any]] = []

    async def spoil(cdr: Cdr) -> None:
        seen.append(dict(cdr.raw))
        cdr.raw["spoiled"] = True

    handlers = Handlers()
    for name in ("one", "two"):
        handlers.on(Cdr, name=name)(spoil)
    async with running(tmp_path, handlers) as receiver:
        await _settled()
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: len(seen) == 2)
    assert seen == [CDR, CDR]


async def test_a_burst_is_delivered_once_each_and_a_call_in_order(tmp_path: Path) -> None:
    """The burst is larger than the places and the memory limit."""
    seen: list[tuple[str, str]] = []

    async def note(cdr: Cdr) -> None:
        await asyncio.sleep(0.001)
        seen.append((cdr.call_id, cdr.caller))

    count = 2 * fast_start.MAX_PREFETCHED
    async with delivering(f"sqlite:///{tmp_path}/journal.db", note, concurrency=4) as (receiver, _):
        await _settled()
        posts = [{"caller": f"05{number:08}", "ivruniqueid": str(number % 50)} for number in range(count)]
        for start in range(0, count, 64):
            part = posts[start : start + 64]
            await asyncio.gather(*(receiver.client.post("/voicenter", json=post) for post in part))
        await eventually(lambda: len(seen) >= count)
        await asyncio.sleep(0.1)
    assert len(seen) == len(set(seen)) == count
    stored = receiver.query(lambda connection: journal.page(connection, Filter(), 0, count))
    for call in range(50):
        in_journal = [callback.body for callback in stored if callback.call_id == str(call)]
        callers = [caller for call_id, caller in seen if call_id == str(call)]
        assert [caller.encode() in body for caller, body in zip(callers, in_journal, strict=True)] == [True] * len(
            callers
        )


async def test_what_waits_in_memory_is_released_when_the_receiver_stops(tmp_path: Path) -> None:
    """It is due at once, and the attempt does not count: the next start delivers it."""
    release = asyncio.Event()
    called: list[str] = []

    async def hangs(cdr: Cdr) -> None:
        called.append(cdr.call_id)
        await release.wait()

    url = f"sqlite:///{tmp_path}/journal.db"
    async with delivering(url, hangs, concurrency=1, shutdown_seconds=0.2) as (receiver, _):
        await _settled()
        for number in range(5):
            await receiver.client.post("/voicenter", json={"caller": "1", "ivruniqueid": str(number)})
        await eventually(lambda: called == ["0"])
    assert [states(receiver.deliveries(id_)) for id_ in range(1, 6)] == [["due"]] * 5
    release.set()
    async with delivering(url, hangs, concurrency=1, attempts=1) as (receiver, _):
        await eventually(lambda: all(states(receiver.deliveries(id_)) == ["done"] for id_ in range(1, 6)))
    assert sorted(called[1:]) == ["0", "1", "2", "3", "4"]


async def test_older_deliveries_go_before_new_ones(tmp_path: Path) -> None:
    """Deliveries of an earlier run go before new ones."""
    url, seen = f"sqlite:///{tmp_path}/journal.db", list[str]()
    async with running(url, _listening(lambda cdr: None, "f"), handler_concurrency=1) as receiver:
        pass
    old = {"body": b'{"caller": "1", "ivruniqueid": "old"}', "format": "json", "path": "/voicenter"}
    left = [new_callback(str(number), deliveries=("f",), call_id=f"old-{number}", **old) for number in range(20)]
    with receiver.database() as database, database.begin() as connection:
        journal.append(connection, left)
    async with running(url, _listening(lambda cdr: seen.append(cdr.call_id), "f"), handler_concurrency=1) as receiver:
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: len(seen) == 21)
    assert seen == ["old"] * 20 + ["call-1"]


def _listening(function: Any, name: str) -> Handlers:
    handlers = Handlers()
    handlers.on(Cdr, name=name)(function)
    return handlers
