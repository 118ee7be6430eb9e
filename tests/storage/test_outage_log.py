"""An error that repeats is logged once, then counted at growing intervals, and its end is logged."""

import asyncio
import logging
from uuid import uuid4

import psycopg
import pytest

from storage import Database, notifications
from storage.failover import FailoverStore
from storage.outage_log import OutageLog
from storage.spool import Spool
from tests.storage.support import new_callback
from tests.storage.test_spool import Unreliable, spool

pytestmark = pytest.mark.anyio
__all__ = ["spool"]


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """At 0."""
    return Seconds()


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged."""
    return [record.message for record in caplog.records]


def test_a_repeated_error_is_logged_at_growing_intervals(seconds: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    """An hour of an error each second is seven lines, and the last one is its end."""
    log = OutageLog(logging.getLogger("test"), "it fails", "it works again", clock=seconds)
    for second in range(3600):
        seconds.now = second
        log.failed("away")
    seconds.now = 3600
    log.succeeded()
    log.succeeded()
    assert messages(caplog) == [
        "it fails: away",
        "it fails: away (failures: 61 in 60 s)",
        "it fails: away (failures: 181 in 180 s)",
        "it fails: away (failures: 421 in 420 s)",
        "it fails: away (failures: 901 in 900 s)",
        "it fails: away (failures: 1861 in 1860 s)",
        "it works again (failures: 3600 in 3600 s)",
    ]


def test_the_next_outage_is_a_new_one(seconds: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    """Its first error is logged again, with its traceback."""
    log = OutageLog(logging.getLogger("test"), "it fails", "it works again", clock=seconds)
    for _ in range(2):
        log.failed("away", traceback=ValueError("broken"))
        log.succeeded()
    assert len(messages(caplog)) == 4
    assert "ValueError: broken" in caplog.text


def test_some_successes_among_failures_are_no_end(seconds: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    """As when a queue is full for some callbacks, and others still find a place."""
    log = OutageLog(logging.getLogger("test"), "it fails", "it works again", quiet=5.0, clock=seconds)
    for second in range(10):
        seconds.now = second
        log.failed("full")
        log.succeeded()
    assert log.is_failing
    seconds.now = 15
    log.succeeded()
    assert messages(caplog) == ["it fails: full", "it works again (failures: 10 in 15 s)"]


async def test_a_failover_is_logged_when_it_begins_and_when_it_ends(
    spool: Spool, database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many callbacks go to the spool, and however often the database is tried."""
    monkeypatch.setattr("storage.failover.PAUSE_SECONDS", 0.001)
    caplog.set_level(logging.INFO, "storage")
    unreliable = Unreliable(database)
    unreliable.is_unreachable = True
    store = FailoverStore(unreliable, spool)  # type: ignore[arg-type]  # stands in for the real one
    for number in range(20):
        await store.store([new_callback(str(number))])
    store.start()
    unreliable.is_unreachable = False
    async with asyncio.timeout(10):
        while spool.count:
            await asyncio.sleep(0.01)
    await store.stop()
    first, last = messages(caplog)
    assert first == f"callbacks go to the spool {spool.path}: it is unreachable"
    assert last.startswith("the spool is empty again: everything is in the journal (failures: ")


async def test_notifications_that_cannot_be_received_are_logged_once(
    postgres_server: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers poll meanwhile; the end is logged."""
    monkeypatch.setattr(notifications, "PAUSE_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "storage")
    name = f"receiver_{uuid4().hex}"
    with Database(f"{postgres_server.rsplit('/', 1)[0]}/{name}") as database:
        heard = asyncio.Event()
        listening = asyncio.create_task(notifications.listen(database, heard.set))
        async with asyncio.timeout(20):
            while not caplog.records:
                await asyncio.sleep(0.01)
            with psycopg.connect(postgres_server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            await heard.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    first, last = messages(caplog)
    assert "found by polling alone" in first
    assert "are received again" in last
