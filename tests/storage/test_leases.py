"""Leases of tasks that one process of a cluster runs at a time."""

from storage import Database, leases
from tests.storage.support import NOON


def acquire(database: Database, holder: str, seconds: float = 60) -> bool:
    """Take the lease of a task."""
    with database.begin() as connection:
        return leases.acquire(connection, "reconcile", holder, seconds)


def test_one_holder_has_the_lease_until_it_ends(database: Database) -> None:
    """It may renew it; another one gets it when it has ended, as after a crash."""
    assert acquire(database, "a")
    assert not acquire(database, "b")
    assert acquire(database, "a", -1)
    assert acquire(database, "b")
    assert not acquire(database, "a")


def test_finished_work_is_noted_and_pauses(database: Database) -> None:
    """No process gets the lease before the pause ends."""
    assert acquire(database, "a")
    with database.begin() as connection:
        assert leases.reached(connection, "reconcile") is None
        leases.finish(connection, "reconcile", "a", NOON, 60)
        assert leases.reached(connection, "reconcile") == NOON
    assert not acquire(database, "a")


def test_a_release_does_not_note_anything(database: Database) -> None:
    """The next run begins where this one did; who has lost the lease changes nothing."""
    assert acquire(database, "a")
    with database.begin() as connection:
        leases.release(connection, "reconcile", "b", -1)
        leases.finish(connection, "reconcile", "b", NOON, -1)
    assert not acquire(database, "b")
    with database.begin() as connection:
        leases.release(connection, "reconcile", "a", -1)
        assert leases.reached(connection, "reconcile") is None
    assert acquire(database, "b")
