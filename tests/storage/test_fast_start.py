"""Deliveries that are leased in the transaction that creates them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Database, LeaseRequest, State, queue
from tests.storage.support import append, claim, finish, new_callback

LEASE = LeaseRequest("me", 30.0, ("crm",))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A journal on SQLite, where deliveries are leased at once."""
    with Database(f"sqlite:///{tmp_path}/journal.db") as database:
        database.migrate()
        yield database


def _states(database: Database, callback_id: int) -> dict[str, tuple[State, int]]:
    with database.read_only() as connection:
        return {one.handler: (one.state, one.attempts) for one in queue.of_callback(connection, callback_id)}


def test_requested_deliveries_are_leased_and_the_others_are_due(sqlite: Database) -> None:
    """A leased delivery is in its first attempt; no other worker can claim it."""
    [appended] = append(sqlite, new_callback(deliveries=("crm", "csv"), lease=LEASE))
    assert [handler for handler, _ in appended.leased] == ["crm"]
    assert _states(sqlite, appended.id) == {"crm": (State.RUNNING, 1), "csv": (State.DUE, 0)}
    assert [one.handler for one in claim(sqlite, {"crm": 9, "csv": 9}, worker="other")] == ["csv"]


def test_a_call_with_an_unfinished_delivery_waits(sqlite: Database) -> None:
    """Its events stay in order, in one batch and in later ones, until the first is finished."""
    first, second, other = append(
        sqlite,
        new_callback("a1", deliveries=("crm",), call_key="a", lease=LEASE),
        new_callback("a2", deliveries=("crm",), call_key="a", lease=LEASE),
        new_callback("b1", deliveries=("crm",), call_key="b", lease=LEASE),
    )
    [third] = append(sqlite, new_callback("a3", deliveries=("crm",), call_key="a", lease=LEASE))
    assert [bool(one.leased) for one in (first, second, other, third)] == [True, False, True, False]
    assert claim(sqlite, {"crm": 9}) == []


def test_a_repeat_is_not_leased(sqlite: Database) -> None:
    """A repeat has no deliveries."""
    first, repeat = append(
        sqlite,
        new_callback("a", deliveries=("crm",), lease=LEASE),
        new_callback("a", deliveries=("crm",), lease=LEASE),
    )
    assert first.leased
    assert repeat.duplicate_of == first.id
    assert not repeat.leased
    assert _states(sqlite, repeat.id) == {}


def test_a_leased_delivery_is_claimed_again_when_its_lease_ends(sqlite: Database) -> None:
    """The lost attempt counts."""
    [appended] = append(sqlite, new_callback(deliveries=("crm",), lease=LeaseRequest("me", -1.0, ("crm",))))
    [taken] = claim(sqlite, {"crm": 1}, worker="other")
    assert (taken.callback.id, taken.attempt) == (appended.id, 2)


def test_a_delivery_that_waited_is_due_when_the_one_before_is_finished(sqlite: Database) -> None:
    """The same as for deliveries that were claimed."""
    append(sqlite, new_callback("a1", deliveries=("crm",), call_key="a"))
    taken = claim(sqlite, {"crm": 9})
    [second] = append(sqlite, new_callback("a2", deliveries=("crm",), call_key="a", lease=LEASE))
    assert not second.leased
    finish(sqlite, taken)
    assert [one.callback.id for one in claim(sqlite, {"crm": 9})] == [second.id]


def test_deliveries_are_leased_at_once_only_on_sqlite(database: Database) -> None:
    """On PostgreSQL two machines could start two events of one call at the same moment."""
    [appended] = append(database, new_callback(deliveries=("crm",), lease=LEASE))
    assert bool(appended.leased) is database.is_sqlite
    state = (State.RUNNING, 1) if database.is_sqlite else (State.DUE, 0)
    assert _states(database, appended.id) == {"crm": state}
