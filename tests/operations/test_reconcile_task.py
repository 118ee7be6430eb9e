"""Reconcile in the background: once in a cluster, from where the last run ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from receiver.errors import ReceiverError
from receiver.metrics import Metrics
from receiver.operations.reconcile import Comparison, Reconciler, Result, Span
from receiver.operations.reconcile_task import IN_FLIGHT, LEASE, BackgroundReconcile, LeaseLostError
from receiver.providers.base.call_log import CallLeg
from storage import Database, leases, tables

pytestmark = pytest.mark.anyio


class Fixed(Reconciler):
    """Reports one fetched record a day, notes what it was asked for, and may fail after some days."""

    def __init__(self, step: Any, error: BaseException | None = None, stops_at: int = 0) -> None:
        self.asked: list[tuple[datetime, datetime]] = []
        self.stops_at = stops_at
        self.step = step
        self.error = error

    @property
    def name(self) -> str:
        """The provider's name."""
        return "voicenter"

    @property
    def has_callbacks(self) -> bool:
        """As Voicenter."""
        return True

    async def spans(self, since: datetime, until: datetime) -> AsyncIterator[Span]:
        """A span a day, each with one record."""
        self.asked.append((since, until))
        begin, number = since, 0
        while begin < until:
            number += 1
            if self.error is not None and number > self.stops_at:
                raise self.error
            begin = min(begin + timedelta(days=1), until)
            await self.step()
            yield Span([Comparison("voicenter", Result.FETCHED, CallLeg("c1", "", ("", ""), None))], begin)


class Process:
    """One receiver of a cluster."""

    def __init__(
        self, database: Database, error: BaseException | None = None, keep_days: int = 0, stops_at: int = 0
    ) -> None:
        self.made: list[Fixed] = []
        self.woken = 0
        self.metrics = Metrics()

        def make(step: Any) -> list[Fixed]:
            self.made.append(Fixed(step, error, stops_at))
            return self.made[-1:]

        self.task = BackgroundReconcile(
            database, make, every=3600, keep_days=keep_days, metrics=self.metrics, on_fetched=self._wake
        )

    def _wake(self) -> None:
        self.woken += 1


async def acquire(database: Database, process: Process) -> bool:
    """Take the lease, as a process does when it looks whether it is time."""
    return await database.write(process.task._acquire)


async def expire(database: Database) -> None:
    """The lease ends, as after the pause between two runs or after a crash."""
    with database.begin() as connection:
        connection.execute(update(tables.leases).values(until=datetime(2026, 1, 1, tzinfo=UTC)))


async def test_one_process_runs_and_the_others_wait_for_the_next_time(database: Database) -> None:
    """It wakes the workers, counts, and notes how far it came."""
    first, second = Process(database), Process(database)
    assert await acquire(database, first)
    assert not await acquire(database, second)
    await first.task.run_once()
    assert not await acquire(database, second)
    assert first.woken == 1
    text = first.metrics.text().decode()
    assert 'receiver_reconciled_records_total{provider="voicenter",result="fetched"} 1.0' in text
    assert 'receiver_reconcile_runs_total{result="done"} 1.0' in text
    [(since, until)] = first.made[0].asked
    assert until - since == timedelta(days=1)
    assert await database.read(partial(leases.reached, name=LEASE)) == until


@pytest.mark.parametrize(("keep_days", "days"), [(0, 11), (5, 5)])
async def test_the_next_run_begins_a_day_before_the_last_one_ended(
    keep_days: int, days: int, database: Database
) -> None:
    """After a stop of ten days too; but never before what the journal keeps."""
    process = Process(database, keep_days=keep_days)
    assert await acquire(database, process)
    ended = datetime.now(UTC) - IN_FLIGHT - timedelta(days=10)
    with database.begin() as connection:
        leases.finish(connection, LEASE, process.task._holder, ended, -1)
    assert await acquire(database, process)
    await process.task.run_once()
    [(since, until)] = process.made[0].asked
    assert round((until - since) / timedelta(hours=1)) == days * 24


async def test_a_run_that_fails_notes_nothing(database: Database) -> None:
    """So the next one begins at the same place."""
    process = Process(database, ReceiverError("the log is away"))
    assert await acquire(database, process)
    with pytest.raises(ReceiverError):
        await process.task.run_once()
    assert await database.read(partial(leases.reached, name=LEASE)) is None
    assert process.woken == 0


@pytest.mark.parametrize("error", [ReceiverError("the log is away"), asyncio.CancelledError()])
async def test_an_interrupted_run_goes_on_where_it_stopped(error: BaseException, database: Database) -> None:
    """Also in another process; the run after that begins a day before its end, as always."""
    interrupted = Process(database, error, stops_at=4)
    assert await acquire(database, interrupted)
    ended = datetime.now(UTC) - IN_FLIGHT - timedelta(days=9)
    with database.begin() as connection:
        leases.finish(connection, LEASE, interrupted.task._holder, ended, -1)
    assert await acquire(database, interrupted)
    with pytest.raises(type(error)):
        await interrupted.task.run_once()
    [(since, _)] = interrupted.made[0].asked
    assert interrupted.woken == 4
    await expire(database)

    other = Process(database)
    assert await acquire(database, other)
    await other.task.run_once()
    [(resumed, until)] = other.made[0].asked
    assert resumed == since + timedelta(days=4)

    await expire(database)
    assert await acquire(database, other)
    await other.task.run_once()
    assert other.made[1].asked[0][0] == until - timedelta(days=1)


async def test_the_last_day_of_an_interrupted_run_is_compared_again(database: Database) -> None:
    """Its log may not have been complete."""
    process = Process(database)
    assert await acquire(database, process)
    until = datetime.now(UTC)
    await process.task._advance("voicenter", until)
    assert await process.task._begin("voicenter", until) == until - timedelta(days=1)


async def test_a_process_that_has_lost_the_lease_stops(database: Database) -> None:
    """Another one has taken it over, because this one was too slow."""
    slow, other = Process(database), Process(database)
    assert await acquire(database, other)
    with pytest.raises(LeaseLostError):
        await slow.task.run_once()
    assert slow.woken == 0
