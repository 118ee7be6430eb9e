"""Short forms of `make torture`: every acknowledged callback is stored and reaches its handlers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import MISSING, Cluster, cluster
from tests.torture import data, scenarios

SECONDS = 4.0
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A private PostgreSQL server, which may be killed."""
    with cluster() as server:
        if server is None:
            pytest.skip(MISSING)
        yield server


def test_a_receiver_on_sqlite_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    """Its handlers raise, hang and end the process."""
    assert scenarios.killed_on_sqlite(tmp_path, 1, SECONDS).wrong == []


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Callbacks get err 2 with 503 while it is full, and are stored again when there is room."""
    assert scenarios.disk_full(tmp_path, 2, 2 * SECONDS).wrong == []


def test_three_receivers_on_postgresql_may_be_killed_at_any_moment(tmp_path: Path, server: Cluster) -> None:
    """They share one journal and take over each other's deliveries."""
    assert scenarios.killed_on_postgresql(tmp_path, 3, SECONDS, server).wrong == []


def test_postgresql_itself_may_be_killed_at_any_moment(tmp_path: Path, server: Cluster) -> None:
    """Callbacks go to the spools, and from there to the journal."""
    assert scenarios.postgresql_killed(tmp_path, 4, SECONDS, server).wrong == []


def test_a_frozen_receiver_and_a_restarted_postgresql_lose_nothing(tmp_path: Path, server: Cluster) -> None:
    """Beside them a worker runs deliveries, too."""
    assert scenarios.frozen_on_postgresql(tmp_path, 5, SECONDS, server).wrong == []


def test_backups_of_a_busy_journal_have_what_was_acknowledged(tmp_path: Path) -> None:
    """Each is restored and compared."""
    assert data.backed_up_under_load(tmp_path, 6, 1).wrong == []


def test_a_busy_journal_moves_to_postgresql(tmp_path: Path, server: Cluster) -> None:
    """Nothing is lost before, between and after."""
    assert data.copied_under_load(tmp_path, 7, 1, server).wrong == []
