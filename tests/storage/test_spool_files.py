"""Several spools in one folder: one for each process, and none is forgotten."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest

from storage import Database, StoreUnavailableError, spool_files
from storage.failover import FailoverStore
from storage.journal import last_id
from storage.spool import Spool, count_in
from tests.storage.support import new_callback


async def leave(path: Path, *contents: str) -> None:
    """A spool with callbacks, and no process."""
    spool = Spool(path)
    spool.open()
    await spool.put([new_callback(content) for content in contents])
    spool.close()


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The first has the one that the settings name; one that has ended leaves its place."""
    path = tmp_path / "spool.db"
    first, second = spool_files.open_own(path), spool_files.open_own(path)
    assert (first.path.name, second.path.name) == ("spool.db", "spool-2.db")
    first.close()
    third = spool_files.open_own(path)
    assert third.path.name == "spool.db"
    second.close()
    third.close()


async def test_a_process_takes_over_what_another_has_left(tmp_path: Path) -> None:
    """Before it begins a file of its own."""
    path = tmp_path / "spool.db"
    await leave(tmp_path / "spool-3.db", "a", "b")
    spool = spool_files.open_own(path)
    assert (spool.path.name, spool.count) == ("spool-3.db", 2)
    spool.close()
    assert spool_files.count_in_all(path) == (2, 0)


async def test_spools_of_processes_that_have_ended_are_moved(tmp_path: Path, database: Database) -> None:
    """By any process that runs; the spools of others that run are left alone."""
    path = tmp_path / "spool.db"
    own = spool_files.open_own(path)
    in_use = Spool(tmp_path / "spool-2.db")
    in_use.open()
    await in_use.put([new_callback("in use")])
    await leave(tmp_path / "spool-3.db", "a", "b")
    store = FailoverStore(database, own, left_behind=partial(spool_files.left_behind, path, own.path))
    store.start()
    with anyio.fail_after(10):
        while count_in(tmp_path / "spool-3.db") != (0, 0):
            await anyio.sleep(0.01)
    await store.stop()
    with database.read_only() as connection:
        assert last_id(connection) == 2
    assert count_in(in_use.path) == (1, 0)
    own.close()
    in_use.close()


def test_too_many_processes_are_told_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would need a file."""
    monkeypatch.setattr(spool_files, "MAX_FILES", 1)
    only = spool_files.open_own(tmp_path / "spool.db")
    open_another: Callable[[], Spool] = partial(spool_files.open_own, tmp_path / "spool.db")
    with pytest.raises(StoreUnavailableError, match="set `spool` to another file for this one"):
        open_another()
    only.close()
