"""Backups: consistent, verified, recognisable, and restored journals go on."""

import os
import stat
import threading
from pathlib import Path

import pytest

from storage import Database, State, journal, queue
from storage.backup import back_up, recognise, restore
from storage.backup_values import BackupFormat
from storage.errors import BackupError, StoreUnavailableError
from storage.postgresql_backup import find_program
from storage.values import Filter
from tests.postgres import make_database
from tests.storage.support import append, claim, finish, new_callback


def _silent(_step: str, _done: int, _total: int | None) -> None:
    """No progress is shown."""


def _bodies(database: Database) -> list[bytes]:
    with database.read_only() as connection:
        return [one.body for one in journal.page(connection, Filter(), 0, 1000)]


@pytest.fixture
def other_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a second, empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path}/other.db"
    return make_database(request.getfixturevalue("postgres_server"))


def test_a_restored_journal_has_everything_and_goes_on(database: Database, other_url: str, tmp_path: Path) -> None:
    """Callbacks, deliveries and attempts; numbers continue, repeats are recognised, what was due is due."""
    append(database, new_callback("a", deliveries=("crm",)), new_callback("b\0\xff", deliveries=("crm",)))
    first = claim(database, {"crm": 1})
    finish(database, first, State.DEAD, result="failed", error="no route")
    steps: set[str] = set()
    contents = back_up(database, tmp_path / "backup", lambda step, _done, _total: steps.add(step))
    assert contents.callbacks == 2
    assert contents.newest is not None
    assert "verifying" in steps or not database.is_sqlite
    append(database, new_callback("later"))
    with Database(other_url) as other:
        assert restore(tmp_path / "backup", other, _silent) == contents
        assert _bodies(other) == _bodies(database)[:2]
        with other.read_only() as connection:
            [dead] = queue.of_callback(connection, first[0].callback.id)
        assert (dead.state, dead.failures[0].error) == (State.DEAD, "no route")
        [repeat, new] = append(other, new_callback("a"), new_callback("c"))
        assert (repeat.duplicate_of, new.id) == (1, 4)
        assert [one.callback.body for one in claim(other, {"crm": 5})] == [_bodies(database)[1]]


def test_a_journal_with_callbacks_is_replaced_only_on_request(database: Database, tmp_path: Path) -> None:
    """Without it, it stays as it is."""
    append(database, new_callback("a"))
    back_up(database, tmp_path / "backup", _silent)
    append(database, new_callback("b"))
    with Database(database.url.render_as_string(hide_password=False)) as again:
        with pytest.raises(BackupError, match="--overwrite"):
            restore(tmp_path / "backup", again, _silent)
        assert len(_bodies(again)) == 2
    database.close()
    with Database(database.url.render_as_string(hide_password=False)) as again:
        restore(tmp_path / "backup", again, _silent, overwrite=True)
        assert _bodies(again) == [b"a"]


def test_an_empty_migrated_database_takes_a_backup(database: Database, other_url: str, tmp_path: Path) -> None:
    """A receiver may have been started there before."""
    append(database, new_callback("a"))
    back_up(database, tmp_path / "backup", _silent)
    with Database(other_url) as other:
        other.migrate()
    with Database(other_url) as other:
        restore(tmp_path / "backup", other, _silent)
        assert _bodies(other) == [b"a"]


def test_a_backup_is_of_one_moment_while_a_receiver_writes(database: Database, tmp_path: Path) -> None:
    """Each callback has its delivery, though both are stored without a pause."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            append(database, *(new_callback(f"{number}-{one}", deliveries=("crm",)) for one in range(20)))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        contents = back_up(database, tmp_path / "backup", _silent)
    finally:
        stop.set()
        writer.join()
    if not database.is_sqlite:
        return
    with Database(f"sqlite:///{tmp_path}/copy.db") as copied:
        restore(tmp_path / "backup", copied, _silent)
        with copied.read_only() as connection:
            assert sum(queue.unfinished(connection).values()) == contents.callbacks


def test_the_file_is_recognised_and_private(database: Database, tmp_path: Path) -> None:
    """By its first bytes; nothing else is left in the folder, and an existing file is kept."""
    append(database, new_callback("a"))
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(database, folder / "backup", _silent)
    assert recognise(folder / "backup") is (BackupFormat.SQLITE if database.is_sqlite else BackupFormat.POSTGRESQL)
    assert stat.S_IMODE((folder / "backup").stat().st_mode) == 0o600
    assert os.listdir(folder) == ["backup"]
    with pytest.raises(BackupError, match="exists already"):
        back_up(database, folder / "backup", _silent)


def test_a_damaged_backup_replaces_nothing(database: Database, other_url: str, tmp_path: Path) -> None:
    """It is read to its end first: here a byte in its middle is another one, and then its end is missing."""
    append(database, *(new_callback(str(number), body=os.urandom(2_000)) for number in range(200)))
    back_up(database, tmp_path / "backup", _silent)
    whole = (tmp_path / "backup").read_bytes()
    middle = len(whole) // 2
    for damaged in (whole[:middle] + bytes(8) + whole[middle + 8 :], whole[:middle]):
        (tmp_path / "damaged").write_bytes(damaged)
        with Database(other_url) as other:
            other.migrate()
            append(other, new_callback("mine"))
            with pytest.raises(BackupError):
                restore(tmp_path / "damaged", other, _silent, overwrite=True)
            assert b"mine" in _bodies(other)


def test_what_is_no_backup_is_refused(database: Database, tmp_path: Path) -> None:
    """Text, a missing file, and other data of the same compression."""
    for name, content in {"text": b"hello", "zstd": b"\x28\xb5\x2f\xfd\0"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BackupError, match="is no backup"):
            restore(tmp_path / name, database, _silent)
    with pytest.raises(BackupError, match="cannot be read"):
        restore(tmp_path / "missing", database, _silent)


def test_a_backup_of_the_other_kind_of_database_is_refused(tmp_path: Path, postgres_url: str) -> None:
    """The message names the command that moves journals."""
    with Database(f"sqlite:///{tmp_path}/journal.db") as source, Database(postgres_url) as target:
        source.migrate()
        back_up(source, tmp_path / "backup", _silent)
        with pytest.raises(BackupError, match="receiver copy"):
            restore(tmp_path / "backup", target, _silent)


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Its tables are not known here."""
    with Database(f"sqlite:///{tmp_path}/journal.db") as source:
        source.migrate()
        with source.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        back_up(source, tmp_path / "backup", _silent)
    with Database(f"sqlite:///{tmp_path}/other.db") as other, pytest.raises(BackupError, match="9999"):
        restore(tmp_path / "backup", other, _silent)


def test_a_journal_in_use_is_not_replaced(tmp_path: Path) -> None:
    """Else the receiver would go on with the file that is gone."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with Database(url) as running:
        running.migrate()
        back_up(running, tmp_path / "backup", _silent)
        with running.read_only(), Database(url) as again, pytest.raises(StoreUnavailableError, match="stop it"):
            restore(tmp_path / "backup", again, _silent)


def _program(folder: Path, version: int) -> Path:
    program = folder / str(version) / "bin" / "pg_dump"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.3'\n")
    program.chmod(0o755)
    return program


def test_the_program_of_the_servers_version_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the next newer one; an older one cannot read a newer server, and the message says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {version: _program(tmp_path, version) for version in (14, 15, 17)}
    assert find_program("pg_dump", 15, installed=tmp_path) == found[15]
    assert find_program("pg_dump", 16, installed=tmp_path) == found[17]
    with pytest.raises(BackupError, match=r"there is .*17.* apt-get install postgresql-client-18"):
        find_program("pg_dump", 18, installed=tmp_path)
    with pytest.raises(BackupError, match="there is none"):
        find_program("pg_restore", 15, installed=tmp_path)
