"""The spool: callbacks on disk while the database is unreachable, then moved once each and in order."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage import Appended, Database, NewCallback, StoredCallback, StoreUnavailableError, journal, queue
from storage.failover import MOVE_BATCH, FailoverStore
from storage.spool import Spool, count_in
from storage.values import Filter
from tests.storage.support import append, new_callback


class Unreliable:
    """A database that can be made unreachable, before a commit or just after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_unreachable = False
        self.loses_the_result = False
        self.hangs = False

    async def read(self, work):  # type: ignore[no-untyped-def]  # stands in for a database
        """As Database.read, unless it is unreachable."""
        if self.is_unreachable:
            raise StoreUnavailableError("it is unreachable")
        return await self._database.read(work)

    async def write(self, work):  # type: ignore[no-untyped-def]  # stands in for a database
        """As Database.write, unless it is unreachable."""
        if self.is_unreachable:
            raise StoreUnavailableError("it is unreachable")
        if self.hangs:
            await asyncio.sleep(3600)
        done = await self._database.write(work)
        if self.loses_the_result:
            self.loses_the_result = False
            raise StoreUnavailableError("the connection broke while it committed")
        return done


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    spool = Spool(tmp_path / "spool.db")
    spool.open()
    yield spool
    spool.close()


def _bodies(database: Database) -> list[bytes]:
    return [one.body for one in _all(database)]


def _all(database: Database) -> list[StoredCallback]:
    with database.read_only() as connection:
        return journal.page(connection, Filter(), 0, 100)


async def _emptied(spool: Spool) -> None:
    async with asyncio.timeout(10):
        while spool.count:
            await asyncio.sleep(0.01)


async def test_spooled_callbacks_are_restored_exactly(spool: Spool) -> None:
    """Every field and every byte."""
    given = new_callback(
        "x",
        body=bytes(range(256)),
        query=b"\xff",
        headers=(("a", "b"),),
        notes=("n",),
        deliveries=("crm",),
        call_key="k",
    )
    await spool.put([given])
    assert await spool.oldest(10) == [(1, [given])]


async def test_while_the_database_is_unreachable_callbacks_are_spooled(database: Database, spool: Spool) -> None:
    """When it is reachable again, they move to the journal in order, with their deliveries."""
    flaky, woken = Unreliable(database), []
    failover = FailoverStore(flaky, spool, moved=lambda: woken.append(1))  # type: ignore[arg-type]  # stands in for a database
    flaky.is_unreachable = True
    for number in range(5):
        [stored] = await failover.store([new_callback(str(number), deliveries=("crm",))])
        assert stored.id == 0
    assert failover.spooled == 5
    flaky.is_unreachable = False
    [later] = await failover.store([new_callback("later")])
    assert later.id == 0  # the spool is moved first, to keep the order
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert _bodies(database) == [b"0", b"1", b"2", b"3", b"4", b"later"]
    assert woken
    with database.read_only() as connection:
        assert sum(queue.counts(connection).values()) == 5
    assert (await failover.store([new_callback("direct")]))[0].id > 0


async def test_a_connection_that_breaks_after_the_commit_doubles_nothing(database: Database, spool: Spool) -> None:
    """The move finds the committed callback, question or record, in the journal."""
    flaky = Unreliable(database)
    failover = FailoverStore(flaky, spool)  # type: ignore[arg-type]  # stands in for a database
    flaky.loses_the_result = True
    await failover.store([new_callback("record"), new_callback("question", deduplicate=False, outcome="answered")])
    assert spool.count == 2
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert [(one.body, one.outcome) for one in _all(database)] == [(b"record", "accepted"), (b"question", "answered")]


async def test_a_crash_between_journal_and_spool_doubles_nothing(database: Database, spool: Spool) -> None:
    """The next start detects callbacks that are in both."""
    news = [new_callback("a"), new_callback("b", deduplicate=False)]
    await spool.put(news)
    append(database, *news)
    failover = FailoverStore(database, spool)
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert _bodies(database) == [b"a", b"b"]


async def test_a_spool_survives_its_process(tmp_path: Path, database: Database) -> None:
    """The next run moves what an earlier one left."""
    first = Spool(tmp_path / "left.db")
    first.open()
    await first.put([new_callback("left")])
    first.close()
    assert count_in(tmp_path / "left.db") == (1, 0)
    second = Spool(tmp_path / "left.db")
    second.open()
    failover = FailoverStore(database, second)
    failover.start()
    await _emptied(second)
    await failover.stop()
    second.close()
    assert _bodies(database) == [b"left"]


async def test_without_journal_and_spool_nothing_is_acknowledged(database: Database, tmp_path: Path) -> None:
    """If the database is unreachable and there is no spool, or none that can be written."""
    flaky = Unreliable(database)
    flaky.is_unreachable = True
    with pytest.raises(StoreUnavailableError):
        await FailoverStore(flaky, None).store([new_callback()])  # type: ignore[arg-type]  # stands in for a database
    spool = Spool(tmp_path / "gone.db")
    spool.open()

    async def full(batch: list[NewCallback]) -> None:
        raise StoreUnavailableError("the disk is full")

    spool.put = full  # type: ignore[assignment, method-assign]  # stands in for a full disk
    store = FailoverStore(flaky, spool)  # type: ignore[arg-type]  # stands in for a database
    assert (await store.state()).can_store
    with pytest.raises(StoreUnavailableError):
        await store.store([new_callback()])
    assert not (await store.state()).can_store
    spool.close()


async def test_a_full_disk_is_noticed_although_it_takes_empty_transactions(tmp_path: Path) -> None:
    """By writing once something could not be stored, until there is room again; nothing of it stays."""
    with Database(f"sqlite:///{tmp_path}/journal.db") as database:
        database.migrate()
        store = FailoverStore(database, None)
        with _at_most(database, pages=1):
            assert (await store.state()).can_store
            with pytest.raises(StoreUnavailableError, match="full"):
                await store.store([new_callback(body=os.urandom(500_000))])
            assert not (await store.state()).can_store
        assert (await store.state()).can_store
        with database.read_only() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM checks").scalar_one() == 0


@contextmanager
def _at_most(database: Database, *, pages: int) -> Iterator[None]:
    """Let SQLite act as on a full disk: the file cannot become larger than it is, or than so many pages."""

    def limit(pages: int) -> None:
        with database.begin() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    limit(pages)
    yield
    limit(1_000_000)


def test_no_file_is_an_empty_spool(tmp_path: Path) -> None:
    """Reading creates no file."""
    assert count_in(tmp_path / "none.db") == (0, 0)
    assert not (tmp_path / "none.db").exists()


async def test_a_database_that_hangs_delays_no_acknowledgement(
    database: Database, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After PATIENCE_SECONDS its callbacks go to the spool: the provider waits for the acknowledgement."""
    monkeypatch.setattr("storage.failover.PATIENCE_SECONDS", 0.05)
    flaky = Unreliable(database)
    flaky.hangs = True
    failover = FailoverStore(flaky, spool)  # type: ignore[arg-type]  # stands in for a database
    assert await asyncio.wait_for(failover.store([new_callback("a")]), 5) == [Appended(0)]
    assert spool.count == 1


async def test_the_parts_of_a_request_move_together(database: Database, spool: Spool) -> None:
    """A batch never splits a request: its body is with the first part."""
    await spool.put([new_callback(str(number)) for number in range(MOVE_BATCH - 1)])
    await spool.put([new_callback("p0", body=b"whole"), new_callback("p1", body=b"", part=1)])
    failover = FailoverStore(database, spool)
    failover.start()
    await _emptied(spool)
    await failover.stop()
    with database.read_only() as connection:
        last = journal.find(connection, Filter(), 2)
    assert [(one.part, one.body) for one in last] == [(1, b"whole"), (0, b"whole")]


async def test_what_the_journal_rejects_does_not_block_the_others(
    database: Database, spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is set aside with a log line, and the others are moved."""
    refused = new_callback("refused", took_us=2**70)
    await spool.put([new_callback("before"), refused, new_callback("after")])
    failover = FailoverStore(database, spool)
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert _bodies(database) == [b"before", b"after"]
    assert count_in(spool.path) == (0, 1)
    assert "set aside" in caplog.text


def test_two_processes_never_share_a_spool(spool: Spool) -> None:
    """The second one gets an error that asks for another file."""
    with pytest.raises(StoreUnavailableError, match="another receiver uses the spool"):
        Spool(spool.path).open()


def test_a_file_that_is_not_a_spool_is_an_error(tmp_path: Path) -> None:
    """Reading it raises our own error."""
    (tmp_path / "odd.db").write_bytes(b"nonsense" * 500)
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        count_in(tmp_path / "odd.db")
