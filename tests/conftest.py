"""Fixtures that tests of several rooms share."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from storage import Database
from tests.journals import postgres_journal, sqlite_journal
from tests.postgres import MISSING, cluster, drop_database, make_database

settings.register_profile("receiver", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("receiver")  # no time is asserted: a busy machine is no failure

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 * 1024**3


def pytest_configure() -> None:
    """Put the files of tests into memory, where there is room and programs may run.

    Every commit waits for the disk, which most of the tests' time would be spent on. No test stops the machine, and
    what a killed process wrote is there all the same. `PYTEST_DEBUG_TEMPROOT` is pytest's own variable.
    """
    if _memory() is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def _memory() -> Path | None:
    """Where files lie in memory; None without room, or where programs may not run."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > ROOM_BYTES else None


@pytest.fixture
def anyio_backend() -> str:
    """The receiver runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: RECEIVER_TEST_POSTGRES, or one that the tests start; else they are skipped."""
    given = os.environ.get("RECEIVER_TEST_POSTGRES")
    if given:
        yield given
        return
    with cluster(_memory(), durable=False) as server:
        if server is None:
            pytest.skip(MISSING)
        yield server.url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty journal on PostgreSQL."""
    url = postgres_journal(postgres_server)
    yield url
    drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty journal: every test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_journal(tmp_path / "journal.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/blank.db"
    return make_database(request.getfixturevalue("postgres_server"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty journal."""
    with Database(database_url) as database:
        yield database


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report every skip in red: a green run without PostgreSQL tests only half."""
    skipped = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if report.longrepr}
    for reason in sorted(skipped):
        terminalreporter.write_line(f"SKIPPED: {reason.removeprefix('Skipped: ')}", red=True, bold=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With RECEIVER_TEST_NO_SKIPS a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("RECEIVER_TEST_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
