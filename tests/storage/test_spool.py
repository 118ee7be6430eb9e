"""The spool: callbacks on disk while the database is away, and their way back, once each and in order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Appended, Database, NewCallback, StoredCallback, StoreUnavailableError, journal, queue
from storage.failover import MOVE_BATCH, FailoverStore
from storage.spool import Spool, count_in
from storage.values import Filter
from tests.storage.support import append, new_callback


class Away:
    """A database that can be switched off, before a commit or just after it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = False
        self.loses_the_answer = False
        self.hangs = False

    async def read(self, work):  # type: ignore[no-untyped-def]  # stands in for a database
        """As Database.read, unless it is away."""
        if self.is_away:
            raise StoreUnavailableError("it is away")
        return await self._database.read(work)

    async def write(self, work):  # type: ignore[no-untyped-def]  # stands in for a database
        """As Database.write, unless it is away."""
        if self.is_away:
            raise StoreUnavailableError("it is away")
        if self.hangs:
            await asyncio.sleep(3600)
        done = await self._database.write(work)
        if self.loses_the_answer:
            self.loses_the_answer = False
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


async def test_what_is_spooled_comes_back_as_it_was(spool: Spool) -> None:
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


async def test_while_the_database_is_away_callbacks_are_on_disk(database: Database, spool: Spool) -> None:
    """And in the journal when it is back: in order, with their deliveries."""
    away, woken = Away(database), []
    failover = FailoverStore(away, spool, moved=lambda: woken.append(1))  # type: ignore[arg-type]  # stands in for a database
    away.is_away = True
    for number in range(5):
        [stored] = await failover.store([new_callback(str(number), deliveries=("crm",))])
        assert stored.id == 0
    assert failover.spooled == 5
    away.is_away = False
    [later] = await failover.store([new_callback("later")])
    assert later.id == 0  # the spool goes first, or the order would be lost
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert _bodies(database) == [b"0", b"1", b"2", b"3", b"4", b"later"]
    assert woken
    with database.read_only() as connection:
        assert sum(queue.counts(connection).values()) == 5
    assert (await failover.store([new_callback("direct")]))[0].id > 0


async def test_a_broken_connection_does_not_double_what_had_been_committed(database: Database, spool: Spool) -> None:
    """The commit arrived, its answer did not: the move finds it there, question or record."""
    away = Away(database)
    failover = FailoverStore(away, spool)  # type: ignore[arg-type]  # stands in for a database
    away.loses_the_answer = True
    await failover.store([new_callback("record"), new_callback("question", deduplicate=False, outcome="answered")])
    assert spool.count == 2
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert [(one.body, one.outcome) for one in _all(database)] == [(b"record", "accepted"), (b"question", "answered")]


async def test_a_crash_between_journal_and_spool_doubles_nothing(database: Database, spool: Spool) -> None:
    """Moved, but not yet dropped from the spool: the next start notices."""
    news = [new_callback("a"), new_callback("b", deduplicate=False)]
    await spool.put(news)
    append(database, *news)
    failover = FailoverStore(database, spool)
    failover.start()
    await _emptied(spool)
    await failover.stop()
    assert _bodies(database) == [b"a", b"b"]


async def test_a_spool_outlives_its_process(tmp_path: Path, database: Database) -> None:
    """What an earlier run left is moved by the next."""
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


async def test_with_neither_store_nothing_is_acknowledged(database: Database, tmp_path: Path) -> None:
    """Away without a spool, and away with a spool that cannot be written: refused."""
    away = Away(database)
    away.is_away = True
    with pytest.raises(StoreUnavailableError):
        await FailoverStore(away, None).store([new_callback()])  # type: ignore[arg-type]  # stands in for a database
    spool = Spool(tmp_path / "gone.db")
    spool.open()

    async def full(batch: list[NewCallback]) -> None:
        raise StoreUnavailableError("the disk is full")

    spool.put = full  # type: ignore[assignment, method-assign]  # stands in for a full disk
    with pytest.raises(StoreUnavailableError):
        await FailoverStore(away, spool).store([new_callback()])  # type: ignore[arg-type]  # stands in for a database
    spool.close()


def test_no_file_is_an_empty_spool(tmp_path: Path) -> None:
    """Looking makes no file."""
    assert count_in(tmp_path / "none.db") == (0, 0)
    assert not (tmp_path / "none.db").exists()


async def test_a_database_that_hangs_holds_nobody_up(
    database: Database, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a moment its callbacks go to the spool: the provider waits for the acknowledgement."""
    monkeypatch.setattr("storage.failover.PATIENCE_SECONDS", 0.05)
    away = Away(database)
    away.hangs = True
    failover = FailoverStore(away, spool)  # type: ignore[arg-type]  # stands in for a database
    assert await asyncio.wait_for(failover.store([new_callback("a")]), 5) == [Appended(0)]
    assert spool.count == 1


async def test_the_parts_of_a_request_move_together(database: Database, spool: Spool) -> None:
    """A batch never ends inside of a request: its body is with the first part."""
    await spool.put([new_callback(str(number)) for number in range(MOVE_BATCH - 1)])
    await spool.put([new_callback("p0", body=b"whole"), new_callback("p1", body=b"", part=1)])
    failover = FailoverStore(database, spool)
    failover.start()
    await _emptied(spool)
    await failover.stop()
    with database.read_only() as connection:
        last = journal.find(connection, Filter(), 2)
    assert [(one.part, one.body) for one in last] == [(1, b"whole"), (0, b"whole")]


async def test_what_the_journal_refuses_stands_in_nobodys_way(
    database: Database, spool: Spool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept aside and said so; what came with it moves on."""
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
    """The second is told to take a file of its own."""
    with pytest.raises(StoreUnavailableError, match="another receiver uses the spool"):
        Spool(spool.path).open()


def test_a_file_that_is_no_spool_says_so(tmp_path: Path) -> None:
    """Looking at it is no crash."""
    (tmp_path / "odd.db").write_bytes(b"nonsense" * 500)
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        count_in(tmp_path / "odd.db")
