"""One process of a cluster evaluates alarms, and calls the dead man's switch."""

import asyncio
import logging

import httpx
import pytest

from receiver.metrics import Metrics
from receiver.operations.alarms.condition import Problem
from receiver.operations.alarms.heartbeat import Heartbeat
from receiver.operations.alarms.patience import in_time
from receiver.operations.alarms.task import LEASE, AlarmTask, Group
from storage import Database
from tests.operations.alarms.support import Clock, Outbox, Process, Told, states
from tests.storage.test_spool import Unreliable

pytestmark = pytest.mark.anyio


def made_task(
    database: Database, outbox: Outbox, *conditions: tuple[Told, str, bool], heartbeat: Heartbeat | None = None
) -> AlarmTask:
    """A task with a group for each condition."""
    clock = Clock()
    groups = [
        Group(Process(database, clock, outbox, told).evaluator, lease=lease, needs_journal=needs)
        for told, lease, needs in conditions
    ]
    return AlarmTask(database, groups, every=60, heartbeat=heartbeat)


async def test_one_process_of_a_cluster_evaluates(database: Database) -> None:
    """The one that holds the lease; another one when it has stopped."""
    outbox, first, second = Outbox(), Told(), Told()
    one = made_task(database, outbox, (first, LEASE, True))
    other = made_task(database, outbox, (second, LEASE, True))
    for _ in range(3):
        await one.evaluate()
        await other.evaluate()
    assert (first.readings, second.readings) == (3, 0)
    await one.release()
    await other.evaluate()
    await one.evaluate()
    assert (first.readings, second.readings) == (3, 1)


async def test_conditions_of_a_machine_are_evaluated_without_a_journal(database: Database) -> None:
    """A full disk and a spool are said then; what only the journal can say is not evaluated."""
    unreliable, outbox = Unreliable(database), Outbox()
    told = Told("spool", "web-1/a"), Told("disk_space", "web-1"), Told()
    for one in told:
        one.problems = [Problem("wrong")]
    task = made_task(
        unreliable,  # type: ignore[arg-type]  # stands in for the real one
        outbox,
        (told[0], "", True),
        (told[1], f"{LEASE}:web-1", False),
        (told[2], LEASE, True),
    )
    unreliable.is_unreachable = True
    await task.evaluate()
    assert outbox.titles == ["spool:web-1/a begins", "disk_space:web-1 begins"]
    await task.release()
    unreliable.is_unreachable = False
    await task.evaluate()
    assert outbox.titles[2:] == ["dead_deliveries begins"]
    assert len([state for state in states(database).values() if state.said]) == 3


async def test_the_heartbeat_is_called_after_each_evaluation_of_the_cluster(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """By the process with the lease, and not without a journal. What fails is logged once, and so is its end."""
    caplog.set_level(logging.INFO, "receiver")
    statuses, called = [200, 500, 500, 200], []

    def answer(request: httpx.Request) -> httpx.Response:
        called.append(str(request.url))
        return httpx.Response(statuses[len(called) - 1])

    metrics, unreliable = Metrics(), Unreliable(database)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        beat = Heartbeat("https://hc.example.com/ping/SECRET", http, metrics)
        # stands in for the real one
        task = made_task(unreliable, Outbox(), (Told(), LEASE, True), heartbeat=beat)  # type: ignore[arg-type]
        idle = made_task(database, Outbox(), (Told(), LEASE, True), heartbeat=beat)
        for _ in statuses:
            await task.evaluate()
            await idle.evaluate()
        unreliable.is_unreachable = True
        await task.evaluate()
    assert called == ["https://hc.example.com/ping/SECRET"] * 4
    assert [record.message for record in caplog.records] == [
        "the heartbeat could not be sent: HTTP status 500",
        "the heartbeat is sent again, after 2 failures",
    ]
    assert 'receiver_heartbeats_total{result="failed"} 2.0' in metrics.text().decode()


async def test_a_database_that_hangs_keeps_no_alarm_back(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is frozen answers nothing, and closes no connection."""
    monkeypatch.setattr("receiver.operations.alarms.patience.PATIENCE_SECONDS", 0.05)
    unreliable, outbox, told = Unreliable(database), Outbox(), Told("spool", "web-1/a")
    told.problems = [Problem("callbacks in the spool: 1")]
    # stands in for the real one
    task = made_task(unreliable, outbox, (told, "", True), (Told(), LEASE, True))  # type: ignore[arg-type]
    unreliable.hangs = True
    await task.evaluate()
    assert outbox.titles == ["spool:web-1/a begins"]


async def test_a_stop_is_not_lost_when_the_database_answers_at_that_moment() -> None:
    """Else the receiver would wait for the task forever."""
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(in_time(answer))
    await asyncio.sleep(0)
    answer.set_result(1)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
