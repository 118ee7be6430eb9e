"""Reconcile in the background: once in a cluster, from where the last run ended."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from receiver.errors import ReceiverError
from receiver.metrics import Metrics
from receiver.operations.reconcile import Comparison, Reconciler, Result
from receiver.operations.reconcile_task import IN_FLIGHT, LEASE, BackgroundReconcile, LeaseLostError
from receiver.providers.base.call_log import CallLeg
from storage import Database, leases

pytestmark = pytest.mark.anyio


class Fixed(Reconciler):
    """Reports one fetched record, and the spans that it was asked for."""

    def __init__(self, step: Any, error: Exception | None = None) -> None:
        self.spans: list[tuple[datetime, datetime]] = []
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

    async def run(self, since: datetime, until: datetime) -> list[Comparison]:
        """One record."""
        self.spans.append((since, until))
        if self.error is not None:
            raise self.error
        await self.step()
        return [Comparison("voicenter", Result.FETCHED, CallLeg("c1", "", ("", ""), None))]


class Process:
    """One receiver of a cluster."""

    def __init__(self, database: Database, error: Exception | None = None, keep_days: int = 0) -> None:
        self.made: list[Fixed] = []
        self.woken = 0
        self.metrics = Metrics()

        def make(step: Any) -> list[Fixed]:
            self.made.append(Fixed(step, error))
            return self.made[-1:]

        self.task = BackgroundReconcile(
            database, make, every=3600, keep_days=keep_days, metrics=self.metrics, on_fetched=self._wake
        )

    def _wake(self) -> None:
        self.woken += 1


async def acquire(database: Database, process: Process) -> bool:
    """Take the lease, as a process does when it looks whether it is time."""
    return await database.write(process.task._acquire)


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
    [(since, until)] = first.made[0].spans
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
    [(since, until)] = process.made[0].spans
    assert round((until - since) / timedelta(hours=1)) == days * 24


async def test_a_run_that_fails_notes_nothing(database: Database) -> None:
    """So the next one begins at the same place."""
    process = Process(database, ReceiverError("the log is away"))
    assert await acquire(database, process)
    with pytest.raises(ReceiverError):
        await process.task.run_once()
    assert await database.read(partial(leases.reached, name=LEASE)) is None


async def test_a_process_that_has_lost_the_lease_stops(database: Database) -> None:
    """Another one has taken it over, because this one was too slow."""
    slow, other = Process(database), Process(database)
    assert await acquire(database, other)
    with pytest.raises(LeaseLostError):
        await slow.task.run_once()
    assert slow.woken == 0
