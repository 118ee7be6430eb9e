"""Fixtures that tests of several rooms share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from storage import Database
from tests.postgres import MISSING, cluster, make_database

settings.register_profile("receiver", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("receiver")  # no time is asserted: a busy machine is no failure


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
    with cluster() as server:
        if server is None:
            pytest.skip(MISSING)
        yield server.url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty PostgreSQL database."""
    return make_database(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: every test that takes it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty journal."""
    with Database(database_url) as database:
        database.migrate()
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
