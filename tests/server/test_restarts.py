"""Restarts and upgrades under load: short forms of those in `make torture`."""

from pathlib import Path

from tests.torture import restarts


def test_no_caller_notices_a_restart_on_a_held_socket(tmp_path: Path) -> None:
    """As with systemd's sockets: nothing is refused or reset, also on connections that callers keep."""
    assert restarts.restarted_on_a_held_socket(tmp_path, f"sqlite:///{tmp_path}/journal.db", 2).wrong == []


def test_no_caller_notices_that_processes_are_replaced(tmp_path: Path, postgres_url: str) -> None:
    """SIGHUP to the supervisor, with PostgreSQL as the journal."""
    assert restarts.replaced_by_sighup(tmp_path, postgres_url, 1).wrong == []
