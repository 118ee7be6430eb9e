"""Copies of journals between SQLite and PostgreSQL: complete, resumable, beside receivers."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage import Database, State, erasure, journal, probes, queue, queue_admin, replays, retention
from storage.copying.journal_copy import open_copy
from storage.copying.layout import ALL
from storage.enqueue import enqueue
from storage.erasure import Place
from storage.errors import CopyError, StoreError
from storage.fetched import FetchedCallback
from storage.fetched import store as store_fetched
from storage.values import NewDelivery
from tests.storage.support import NOON, append, claim, finish, new_callback


def _silent(_step: str, _done: int, _total: int | None) -> None:
    """No progress is shown."""


@pytest.fixture(params=["to postgresql", "to sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> Iterator[tuple[Database, Database]]:
    """A journal, and an empty database of the other kind, which has no tables yet."""
    urls = [f"sqlite:///{tmp_path}/journal.db", postgres_url]
    source, target = urls if request.param == "to postgresql" else reversed(urls)
    with Database(source) as one, Database(target) as other:
        one.migrate()
        yield one, other


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pages, although there are few rows."""
    for module in ("compare", "journal_copy"):
        monkeypatch.setattr(f"storage.copying.{module}.PAGE", 7)


def _run(source: Database, target: Database) -> int:
    with open_copy(source, target, _silent) as copying:
        return copying.run().rows


def _finish(source: Database, target: Database) -> dict[str, int]:
    with open_copy(source, target, _silent) as copying:
        return {one.table: one.rows for one in copying.finish()}


def _mask(content: bytes, _format: str) -> bytes:
    return content.replace(b"ask", b"***")


def _everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as values of Python."""
    with database.read_only() as connection:
        return {
            one.name: [tuple(row) for row in connection.execute(one.table.select().order_by(*one.table.primary_key))]
            for one in ALL
        }


def _fill(database: Database) -> None:
    """Rows in every table: done, dead, due and running deliveries, attempts, parts, repeats, replays and all others."""
    append(database, *(new_callback(f"{one}\0\xff", deliveries=("crm",), call_key=f"c{one}") for one in range(20)))
    append(database, new_callback("0\0\xff"), new_callback("p", body=b"all"), new_callback("q", part=1, body=b""))
    append(database, new_callback("ask", call_state=b'{"language": "he"}', notes=("a", "b"), call_id="שלום"))
    finish(database, claim(database, {"crm": 3}))
    finish(database, claim(database, {"crm": 3}), State.DEAD, result="failed", error="no route", traceback="line\n2")
    claim(database, {"crm": 2})
    with database.begin() as connection:
        probes.create(connection)
        replay = replays.begin(connection, who="me", why="", what="all")
        enqueue(connection, [NewDelivery(1, "crm", "c0", replay_id=replay), NewDelivery(2, "log", "c1")])
        store_fetched(connection, [FetchedCallback(new_callback("late", call_id="f", record_key=b"k"), 0)])


def test_the_copy_has_every_row_with_its_number_and_goes_on(pair: tuple[Database, Database]) -> None:
    """New rows get the next numbers, repeats are recognised, and what was due is claimed."""
    source, target = pair
    _fill(source)
    assert _run(source, target) > 40
    verified = _finish(source, target)
    assert _everything(target) == _everything(source)
    assert verified["callbacks"] == 25
    for database in (source, target):
        [repeat, new] = append(database, new_callback("ask"), new_callback("new", deliveries=("crm",)))
        assert (repeat.duplicate_of, new.id) == (24, 27)
    assert len(claim(target, {"crm": 100})) == len(claim(source, {"crm": 100}))


def test_what_changes_while_it_is_copied_is_caught_up(pair: tuple[Database, Database]) -> None:
    """New callbacks, finished, retried, requeued and dropped deliveries; pruned, blanked and erased callbacks."""
    source, target = pair
    append(source, *(new_callback(f"old{one}", received_at=NOON - timedelta(days=90)) for one in range(20)))
    _fill(source)
    _run(source, target)
    finish(source, claim(source, {"crm": 4}))
    finish(source, claim(source, {"crm": 2}), State.DUE, result="failed", error="busy", retry_in=0.0)
    with source.begin() as connection:
        queue_admin.requeue(connection, queue_admin.DeliveryFilter(states=(State.DEAD,)))
        assert retention.prune(connection, NOON - timedelta(days=80), 12) == 12
        assert retention.blank(connection, NOON - timedelta(days=80), 3) == 3
        erasure.mask_page(connection, Place.CALLBACKS, _mask, 0, 1000, only_count=False)
    append(source, *(new_callback(f"new{one}", deliveries=("crm", "log")) for one in range(30)))
    _finish(source, target)
    assert _everything(target) == _everything(source)


def test_a_copy_beside_a_receiver_is_complete(pair: tuple[Database, Database]) -> None:
    """Callbacks are stored and delivered without a pause while the copy runs."""
    source, target = pair
    append(source, new_callback("first"))
    stop = threading.Event()

    def receive() -> None:
        number = 0
        while not stop.is_set():
            append(source, *(new_callback(f"{number}-{one}", deliveries=("crm", "log")) for one in range(5)))
            finish(source, claim(source, {"crm": 4}))
            finish(source, claim(source, {"log": 2}), State.DUE, result="failed", retry_in=0.0)
            number += 1

    receiver = threading.Thread(target=receive)
    receiver.start()
    try:
        _run(source, target)
    finally:
        stop.set()
        receiver.join()
    _finish(source, target)
    assert _everything(target) == _everything(source)


def test_an_interrupted_copy_goes_on(pair: tuple[Database, Database]) -> None:
    """After the last rows that the target has."""
    source, target = pair
    append(source, *(new_callback(str(one), deliveries=("crm",)) for one in range(100)))

    def interrupt(step: str, done: int, _total: int | None) -> None:
        if step == "copying callbacks" and done >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_copy(source, target, interrupt) as copying:
        copying.run()
    assert _run(source, target) == 200 - 63
    _finish(source, target)
    assert _everything(target) == _everything(source)


def test_a_receiver_cannot_store_to_an_unfinished_copy(pair: tuple[Database, Database]) -> None:
    """Its rows would get numbers that the source gives to others."""
    source, target = pair
    append(source, new_callback("a"))
    _run(source, target)
    with pytest.raises(StoreError):
        append(target, new_callback("b"))
    _finish(source, target)
    append(target, new_callback("b"))


def test_a_journal_that_has_callbacks_is_no_target(pair: tuple[Database, Database]) -> None:
    """Nor is a complete copy, or the unfinished copy of another journal."""
    source, target = pair
    append(source, new_callback("a"))
    target.migrate()
    append(target, new_callback("b"))
    with pytest.raises(CopyError, match="empty database"):
        _run(source, target)
    with target.begin() as connection:
        connection.exec_driver_sql("DROP INDEX uq_callbacks_content")
        connection.exec_driver_sql("UPDATE callbacks SET received_at = 1")
    with pytest.raises(CopyError, match="another journal"):
        _run(source, target)


def test_two_databases_of_one_kind_are_refused(tmp_path: Path) -> None:
    """A backup does that better."""
    with Database(f"sqlite:///{tmp_path}/a.db") as a, Database(f"sqlite:///{tmp_path}/b.db") as b:
        a.migrate()
        with pytest.raises(CopyError, match="receiver backup"), open_copy(a, b, _silent):
            pass


def test_a_source_of_another_version_is_refused(tmp_path: Path, postgres_url: str) -> None:
    """Its columns may be others."""
    with Database(f"sqlite:///{tmp_path}/a.db") as source, Database(postgres_url) as target:
        source.migrate()
        with source.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(CopyError, match="0001"):
            _run(source, target)


def test_the_counts_of_unfinished_deliveries_are_equal(pair: tuple[Database, Database]) -> None:
    """What workers see of the copy is what they saw of the source."""
    source, target = pair
    _fill(source)
    _finish(source, target)
    with source.read_only() as one, target.read_only() as other:
        assert queue.unfinished(one) == queue.unfinished(other)
        assert journal.last_id(one) == journal.last_id(other)
