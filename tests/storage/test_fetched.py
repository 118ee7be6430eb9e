"""Callbacks from a call log, and their originals: each record is delivered once, whichever comes first."""

import asyncio
from functools import partial

import pytest

from storage import Database, NewCallback, journal, retention
from storage.fetched import FetchedCallback, count_of_call, of_calls, store
from tests.storage.support import NOON, append, claim, new_callback

KEY = b"leg".ljust(16)


def record(content: str, **fields: object) -> NewCallback:
    """A record of one leg of a call."""
    given = {"call_id": "c1", "call_key": "voicenter:c1", "record_key": KEY, "deliveries": ("crm",), **fields}
    return new_callback(content, **given)


def fetch(database: Database, *contents: str, known: int = 0) -> list[bool]:
    """Store records from a call log."""
    with database.begin() as connection:
        return store(connection, [FetchedCallback(record(content), known) for content in contents])


def delivered(database: Database) -> int:
    """How many deliveries there are."""
    with database.read_only() as connection:
        # the value is untyped
        return connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar_one()  # type: ignore[no-any-return]


def test_a_late_original_is_a_repeat_of_the_fetched_record(database: Database) -> None:
    """It is stored and not delivered, however often it comes."""
    assert fetch(database, "from the log") == [True]
    for _ in range(3):
        [late] = append(database, record("original"))
        assert late.duplicate_of is not None
    assert delivered(database) == 1


def test_a_record_whose_call_has_got_callbacks_meanwhile_is_not_fetched(database: Database) -> None:
    """The caller compares again, with the new count."""
    append(database, record("original"))
    assert fetch(database, "from the log", known=0) == [False]
    assert delivered(database) == 1


def test_each_fetched_record_stands_for_one_original(database: Database) -> None:
    """A call may have several records with one key; a third one is new."""
    assert fetch(database, "log 1", "log 2") == [True, True]
    results = [append(database, record(f"original {number}"))[0].duplicate_of for number in (1, 2, 3, 2, 1)]
    assert results[0] != results[1]
    assert results[2] is None
    assert results[3:] == [results[1], results[0]]
    assert delivered(database) == 3


def test_a_repeat_of_an_earlier_original_does_not_take_the_place_of_the_late_one(database: Database) -> None:
    """The first record came, the second was fetched, the first is repeated, then the second comes late."""
    [first] = append(database, record("original 1"))
    assert fetch(database, "log 2", known=1) == [True]
    assert append(database, record("original 1"))[0].duplicate_of == first.id
    assert append(database, record("original 2"))[0].duplicate_of not in {None, first.id}
    assert delivered(database) == 2


def test_other_legs_and_callbacks_without_a_key_are_not_touched(database: Database) -> None:
    """They are originals."""
    fetch(database, "log")
    results = append(database, record("other leg", record_key=b"other"), record("no key", record_key=b""))
    assert [result.duplicate_of for result in results] == [None, None]


@pytest.mark.anyio
async def test_an_original_at_the_same_moment_is_delivered_once(database: Database) -> None:
    """Whichever of the two commits first, on several connections at once."""
    for number in range(30):
        new = record(f"original {number}", call_id=f"c{number}", record_key=str(number).encode())
        log = record(f"log {number}", call_id=f"c{number}", record_key=str(number).encode())
        await asyncio.gather(
            database.write(partial(journal.append, batch=[new])),
            database.write(partial(store, batch=[FetchedCallback(log, 0)])),
            database.write(partial(store, batch=[FetchedCallback(log, 0)])),
        )
    assert delivered(database) == 30


def test_of_calls_counts_repeats_and_returns_originals(database: Database) -> None:
    """The count is what `store` compares with."""
    append(database, record("a"), record("a"), record("b", kind="HANGUP_CALL"))
    with database.read_only() as connection:
        counts, found = of_calls(connection, "voicenter", "CDR", ["c1", "c2"])
        assert counts == {"c1": 3}
        assert count_of_call(connection, "voicenter", "c1") == 3
        assert [one.kind for one in found] == ["CDR"]


def test_a_fetched_callback_can_be_pruned(database: Database) -> None:
    """With what is known of it."""
    fetch(database, "log")
    [claimed] = claim(database, {"crm": 1})
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'done', due_at = NULL")
        assert retention.prune(connection, NOON.replace(year=NOON.year + 1), 10) == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM fetched").scalar_one() == 0
    assert claimed.callback.body == b"log"
