"""Calls that were placed through a provider's API."""

from datetime import datetime, timedelta

import pytest

from storage import Database, placed_calls
from storage.placed_calls import PlacedCall
from tests.storage.support import NOON, append, new_callback


def place(database: Database, *call_ids: str, at: datetime = NOON) -> None:
    """Note placed calls."""
    with database.begin() as connection:
        placed_calls.add(
            connection, [PlacedCall("voicenter", call_id, "click_to_call.call", at) for call_id in call_ids]
        )


def without_callback(database: Database) -> list[str]:
    """The ids of the calls of an hour that had no callback."""
    with database.read_only() as connection:
        found = placed_calls.without_callback(connection, NOON - timedelta(hours=1), NOON)
    return [one.call_id for one in found]


@pytest.mark.parametrize(
    ("fields", "returned"),
    [
        ({"call_id": "c1"}, True),
        ({"call_id": "c1", "kind": "HANGUP_CALL"}, True),
        ({"call_id": "c1", "received_at": NOON - timedelta(minutes=5)}, True),  # another machine's clock
        ({"call_id": "c1", "received_at": NOON - timedelta(hours=5)}, False),  # the token was used before
        ({"call_id": "c2"}, False),
        ({"call_id": "c1", "provider": "spokn"}, False),
    ],
)
def test_a_placed_call_has_returned_if_a_callback_has_its_id(
    fields: dict[str, object], returned: bool, database: Database
) -> None:
    """Of that provider, and since it was placed."""
    place(database, "c1")
    append(database, new_callback(**fields))  # type: ignore[arg-type]  # keyword by keyword
    assert without_callback(database) == ([] if returned else ["c1"])


def test_the_oldest_comes_first_and_what_is_outside_is_left_out(database: Database) -> None:
    """By the time when it was placed; both ends are included."""
    place(database, "new", "\x00odd")
    place(database, "old", at=NOON - timedelta(hours=1))
    place(database, "older", at=NOON - timedelta(hours=2))
    place(database, "later", at=NOON + timedelta(seconds=1))
    assert without_callback(database) == ["old", "new", "\N{REPLACEMENT CHARACTER}odd"]


def test_old_placed_calls_are_deleted_in_batches(database: Database) -> None:
    """Newer ones stay."""
    place(database, "a", "b", "c", at=NOON - timedelta(hours=1))
    place(database, "new")
    with database.begin() as connection:
        assert [placed_calls.prune(connection, NOON, 2) for _ in range(3)] == [2, 1, 0]
    assert without_callback(database) == ["new"]
