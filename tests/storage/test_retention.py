"""Retention: delete or blank old callbacks."""

from datetime import timedelta

import pytest

from storage import Database, State, StoredCallback, journal, retention
from storage.values import Filter
from tests.storage.support import NOON, append, claim, finish, new_callback

OLD = NOON - timedelta(days=100)


def _left(database: Database) -> list[StoredCallback]:
    with database.read_only() as connection:
        return journal.page(connection, Filter(), 0, 100)


def _prune(database: Database, limit: int = 100) -> int:
    with database.begin() as connection:
        expected = retention.count(connection, NOON - timedelta(days=90))
        gone = retention.prune(connection, NOON - timedelta(days=90), limit)
        assert gone == min(expected, limit)
        return gone


def test_old_delivered_callbacks_are_deleted_with_their_deliveries(database: Database) -> None:
    """Newer callbacks are kept."""
    append(database, new_callback("old", received_at=OLD, deliveries=("crm",)), new_callback("young"))
    failed = claim(database, {"crm": 1})
    finish(database, failed, State.DUE, result="failed")
    finish(database, claim(database, {"crm": 1}))
    assert _prune(database) == 1
    assert [one.body for one in _left(database)] == [b"young"]


@pytest.mark.parametrize("state", [None, State.DUE, State.DEAD])
def test_what_is_not_delivered_is_never_touched(database: Database, state: State | None) -> None:
    """Waiting, running or dead: it still needs attention."""
    append(database, new_callback("old", received_at=OLD, deliveries=("crm",)))
    if state is not None:
        finish(database, claim(database, {"crm": 1}), state, result="failed", retry_in=0)
    assert _prune(database) == 0
    with database.begin() as connection:
        assert retention.blank(connection, NOON, 100) == 0


def test_a_dropped_delivery_counts_as_finished(database: Database) -> None:
    """Its callback is deleted."""
    append(database, new_callback("old", received_at=OLD, deliveries=("crm",)))
    finish(database, claim(database, {"crm": 1}), State.DROPPED, result="dropped")
    assert _prune(database) == 1


def test_the_parts_of_a_request_stay_together(database: Database) -> None:
    """While one of them waits, the first, which has the bytes, and all others are kept."""
    append(
        database,
        new_callback("p0", received_at=OLD, body=b"whole"),
        new_callback("p1", received_at=OLD, body=b"", part=1, deliveries=("crm",)),
        new_callback("p2", received_at=OLD, body=b"", part=2),
        new_callback("other", received_at=OLD),
    )
    assert _prune(database) == 1
    assert [one.body for one in _left(database)] == [b"whole", b"whole", b"whole"]
    finish(database, claim(database, {"crm": 1}))
    assert _prune(database) == 3


def test_a_repeat_of_what_was_pruned_counts_as_new(database: Database) -> None:
    """Duplicates are detected within the journal; numbers are never reused."""
    [first] = append(database, new_callback("same", received_at=OLD))
    _prune(database)
    [again] = append(database, new_callback("same"))
    assert again.duplicate_of is None
    assert again.id > first.id


def test_bytes_can_be_blanked_before_the_rows_are_deleted(database: Database) -> None:
    """They are blanked once, and marked."""
    append(database, new_callback("old", received_at=OLD, query=b"phone=1", reply_body=b"r", headers=(("a", "b"),)))
    with database.begin() as connection:
        assert retention.count(connection, NOON, bodies_only=True) == 1
        assert retention.blank(connection, NOON, 100) == 1
        assert retention.blank(connection, NOON, 100) == 0
    [left] = _left(database)
    assert (left.body, left.query, left.reply_body, left.headers) == (b"", b"", b"", ())
    assert retention.BLANKED in left.notes


def test_a_batch_has_a_limit(database: Database) -> None:
    """The intake must not wait long for it."""
    append(database, *(new_callback(str(number), received_at=OLD) for number in range(5)))
    assert [_prune(database, 2), _prune(database, 2), _prune(database, 2), _prune(database, 2)] == [2, 2, 1, 0]
