"""Opening a journal, its tables, and its errors."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from storage import Database, GroupCommit, StoreUnavailableError, journal, migrate
from storage.database import BUSY_SECONDS, BUSY_STEP_MS, _begin_in_turn, parse_url
from storage.errors import DatabaseUrlError, StoreRejectedError
from storage.failover import FailoverStore
from storage.tables import metadata
from storage.values import Filter
from tests.storage.support import new_callback


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_commits_are_on_disk_before_they_return(database: Database) -> None:
    """WAL with synchronous FULL (2): the log is synced at every commit."""
    with database.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_the_migrations_make_the_tables_that_the_code_works_with(database: Database) -> None:
    """Columns, nullability and indexes are the same in the migrations and in the code."""
    with database.read_only() as connection:
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
            assert made == {column.name: column.nullable for column in table.columns}
            assert {index["name"] for index in inspector.get_indexes(table.name)} == {i.name for i in table.indexes}


def test_the_newest_revision_is_the_end_of_the_chain_of_migrations(database: Database) -> None:
    """It is known by the names of files, since Alembic takes long to import; a fresh journal has it."""
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.newest()]
    with database.read_only() as connection:
        assert migrate.current(connection) == migrate.newest()


def test_migrating_again_changes_nothing(database: Database) -> None:
    """Migrations run at every start."""
    database.migrate()
    database.migrate()


def test_a_locked_or_broken_file_is_a_store_error(tmp_path: Path) -> None:
    """The driver's exceptions are translated."""
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    with Database(f"sqlite:///{tmp_path}/broken.db") as database, pytest.raises(StoreUnavailableError):
        database.migrate()


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    """The journal can be queried while callbacks are stored."""
    with database.begin(), database.read_only() as connection:
        assert connection.execute(text("SELECT count(*) FROM callbacks")).scalar() == 0


@pytest.mark.parametrize("url", ["", "receiver.db", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "://"])
def test_a_url_that_cannot_work_says_what_to_write(url: str) -> None:
    """Memory does not survive a restart; other databases are not supported."""
    with pytest.raises(DatabaseUrlError, match="sqlite:///"):
        parse_url(url)


def test_a_password_is_never_shown() -> None:
    """Error messages end in logs."""
    with pytest.raises(DatabaseUrlError) as caught:
        parse_url("mysql://me:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_file_is_an_ordinary_sqlite_database(database: Database) -> None:
    """Any SQLite tool can open it."""
    with sqlite3.connect(database.place) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"callbacks", "deliveries", "attempts"} <= tables


async def test_closing_waits_for_running_work(database_url: str) -> None:
    """Also for work whose waiter was cancelled: otherwise its connection would stay open."""
    database, began, used = Database(database_url), threading.Event(), list[Any]()
    database.migrate()

    def work(connection: Connection) -> None:
        used.append(connection.connection.driver_connection)
        began.set()
        time.sleep(0.3)

    given_up = asyncio.create_task(database.read(work))
    await asyncio.to_thread(began.wait)
    given_up.cancel()
    database.close()
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        used[0].execute("SELECT 1")


async def test_a_row_that_the_database_rejects_does_not_affect_the_others_of_its_batch(database: Database) -> None:
    """The rejection, by SQLAlchemy or by the driver, is distinguished from an unreachable database."""
    journal_of = GroupCommit(FailoverStore(database, None).store)
    bad: Any = None
    news = [new_callback("first"), new_callback("second", provider=bad), new_callback("third", body=bad)]
    waiting = [asyncio.create_task(journal_of.write([new])) for new in (*news, new_callback("last"))]
    await asyncio.sleep(0)
    journal_of.start()
    first, second, third, last = await asyncio.gather(*waiting, return_exceptions=True)
    await journal_of.close()
    assert [type(error) for error in (second, third)] == [StoreRejectedError] * 2
    with database.read_only() as connection:
        assert [one.body for one in journal.page(connection, Filter(), 0, 10)] == [b"first", b"last"]
    assert isinstance(first, list)
    assert isinstance(last, list)


async def test_processes_take_turns_at_one_file(tmp_path: Path) -> None:
    """One that is always busy lets another in; its connection waits as long as before for anything else."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with Database(url) as busy, Database(url) as other:
        busy.migrate()

        async def keep_busy() -> None:
            while True:
                await busy.write(lambda connection: connection.execute(text("DELETE FROM checks")) and None)

        working = asyncio.create_task(keep_busy())
        for _ in range(20):
            limit = await other.write(lambda connection: connection.execute(text("PRAGMA busy_timeout")).scalar_one())
            assert limit == BUSY_SECONDS * 1000
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


class BusyDriver:
    """A connection whose file another process has locked, for as many attempts as given."""

    def __init__(self, attempts: int) -> None:
        self.left = attempts
        self.executed: list[str] = []

    def execute(self, statement: str) -> None:
        """Note it; begin only once the lock is free."""
        self.executed.append(statement)
        if statement.startswith("BEGIN") and self.left:
            self.left -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error


def test_a_writer_tries_for_the_lock_in_short_steps() -> None:
    """Not in those of SQLite, which grow until a busy process always comes first."""
    driver = BusyDriver(2)
    _begin_in_turn(driver, "BEGIN IMMEDIATE")
    assert driver.executed == [
        f"PRAGMA busy_timeout={BUSY_STEP_MS}", *["BEGIN IMMEDIATE"] * 3, f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}"
    ]  # fmt: skip


def test_a_writer_waits_for_a_lock_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as BUSY_SECONDS; then the database counts as unavailable."""
    monkeypatch.setattr("storage.database.BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path}/journal.db"
    with Database(url) as holding, Database(url) as waiting:
        holding.migrate()
        with holding.begin(), pytest.raises(StoreUnavailableError, match="locked"), waiting.begin():
            pass
        with waiting.begin() as connection:
            connection.execute(text("DELETE FROM checks"))
