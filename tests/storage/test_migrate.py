"""Migrations: once, in order, and never under a program that cannot use the tables."""

import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from storage import Database, migrate
from storage.errors import SchemaError
from tests.postgres import make_database


def upgraded(url: str) -> list[str]:
    """Migrate a database; the revisions that this has run."""
    done: list[str] = []
    with Database(url) as database:
        database.migrate(done.append)
    return done


def test_processes_that_start_together_migrate_once(blank_url: str) -> None:
    """The others wait, and find nothing to do."""
    with ThreadPoolExecutor(4) as starters:
        runs = list(starters.map(upgraded, [blank_url] * 4))
    assert sorted(runs) == [[], [], [], migrate.revisions()]


def test_without_auto_migrate_old_tables_are_refused(blank_url: str) -> None:
    """The message says which command brings them up to date; nothing is changed."""
    with (
        Database(blank_url, auto_migrate=False) as database,
        pytest.raises(SchemaError, match=r"up to revision [0-9]{4}: run `receiver migrate`"),
    ):
        database.migrate()
    upgraded(blank_url)
    with Database(blank_url, auto_migrate=False) as database:
        database.migrate()


def test_tables_of_a_newer_version_are_used_where_they_still_fit(
    blank_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """So an older program can start again beside newer ones during an upgrade."""
    upgraded(blank_url)
    monkeypatch.setattr(migrate, "newest", lambda: migrate.OLDEST_PROGRAM)
    with caplog.at_level(logging.WARNING):
        assert upgraded(blank_url) == []
    assert f"newer than this version's {migrate.OLDEST_PROGRAM}" in caplog.text


def test_tables_that_no_longer_fit_are_refused(blank_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install or restore."""
    upgraded(blank_url)
    monkeypatch.setattr(migrate, "newest", lambda: "0003")
    with pytest.raises(SchemaError, match="install the version that migrated them, or restore a back-up"):
        upgraded(blank_url)


def test_tables_step_back_for_a_program_that_refuses_later_ones(blank_url: str) -> None:
    """Nothing is removed, and the later migrations run again over what they have made."""
    upgraded(blank_url)
    note = "INSERT INTO audit (at, who, action, about, callbacks) VALUES (1, 'me', 'replay', 'all', 1)"
    with Database(blank_url) as database:
        with database.begin() as connection:
            connection.execute(text(note))
        database.step_back(migrate.OLDEST_PROGRAM)
        with database.read_only() as connection:
            assert migrate.current(connection) == migrate.OLDEST_PROGRAM
    assert upgraded(blank_url) == [one for one in migrate.revisions() if one > migrate.OLDEST_PROGRAM]
    with Database(blank_url) as database, database.read_only() as connection:
        assert connection.execute(text("SELECT who FROM audit")).scalars().all() == ["me"]


def test_tables_step_back_only_to_a_revision_whose_program_can_use_them(blank_url: str) -> None:
    """Else the message says which are, or what to do."""
    upgraded(blank_url)
    with Database(blank_url) as database:
        with pytest.raises(SchemaError, match="restore a back-up from before the upgrade"):
            database.step_back("0003")
        with pytest.raises(SchemaError, match=f"is not an earlier one: write one of {migrate.OLDEST_PROGRAM}, "):
            database.step_back(migrate.newest())


def test_migrations_as_sql_make_the_same_tables(tmp_path: Path) -> None:
    """For administrators who run every change themselves."""
    upgraded(f"sqlite:///{tmp_path}/migrated.db")
    with Database(f"sqlite:///{tmp_path}/empty.db") as database, database.read_only() as connection:
        statements = migrate.sql(connection)
    with sqlite3.connect(tmp_path / "by-hand.db") as by_hand:
        by_hand.executescript(statements)
    by_hand.close()
    assert _tables(tmp_path / "by-hand.db") == _tables(tmp_path / "migrated.db")
    with Database(f"sqlite:///{tmp_path}/migrated.db") as database, database.read_only() as connection:
        assert migrate.sql(connection) == ""


def _tables(file: Path) -> set[str]:
    with sqlite3.connect(file) as connection:
        found = {
            " ".join(row[0].split())
            for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        }
        found |= {row[0] for row in connection.execute("SELECT oldest_program FROM schema_compatibility")}
    connection.close()
    return found


def test_a_migration_waits_for_as_long_as_it_needs(postgres_server: str) -> None:
    """The time limit of statements is for callbacks, not for the building of an index."""
    with Database(make_database(postgres_server)) as database:
        seen: list[str] = []

        def read_limit(_revision: str) -> None:
            with database.begin() as other:
                seen.append(other.execute(text("SHOW statement_timeout")).scalar_one())

        with database.begin() as connection:
            migrate._lock(connection)
            assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "0"
        read_limit("")
        assert seen == ["30s"]
        assert not inspect(database._writing).has_table("callbacks")
