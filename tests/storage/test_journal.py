"""Storing and querying callbacks."""

import threading
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from storage import Appended, Database, StoredCallback, journal, queue
from storage.values import Filter
from tests.storage.support import NOON, append, new_callback


def test_a_callback_comes_back_as_it_was_stored(database: Database) -> None:
    """Every field, every byte and every header is the same when it is read again."""
    given: dict[str, Any] = {
        "call_id": "call-1",
        "reason": "because",
        "notes": ("lenient_json", "charset:windows-1255"),
        "format": "json",
        "method": "POST",
        "path": "/voicenter",
        "query": b"a=%ff\xff",
        "headers": (("content-type", "text/xml; charset=utf-8"), ("user-agent", "a: b: c")),
        "peer": "192.0.2.7",
        "body": bytes(range(256)),
        "reply_status": 200,
        "reply_type": "application/json",
        "reply_body": b'{"err":"0"}',
        "took_us": 1234,
    }
    [appended] = append(database, new_callback(**given))
    with database.read_only() as connection:
        stored = journal.get(connection, appended.id)
    assert stored is not None
    assert {name: getattr(stored, name) for name in given} == given
    assert stored.received_at == NOON


def test_every_field_of_a_stored_callback_is_read_from_the_table(database: Database) -> None:
    """Every field of the value comes from the row."""
    append(database, new_callback())
    with database.read_only() as connection:
        [stored] = journal.find(connection, Filter(), 10)
    assert all(hasattr(stored, field.name) for field in fields(StoredCallback))


def test_a09_a_repeat_is_stored_as_a_repeat_of_the_first_and_delivered_once(database: Database) -> None:
    """The same content again, in the same batch or later, points to the first and gets no delivery."""
    one = new_callback("same", deliveries=("crm",))
    first, second = append(database, one, one)
    [third] = append(database, one)
    assert (first.duplicate_of, second.duplicate_of, third.duplicate_of) == (None, first.id, first.id)
    with database.read_only() as connection:
        assert [callback.outcome for callback in journal.find(connection, Filter(), 10)] == [
            "duplicate",
            "duplicate",
            "accepted",
        ]
        assert len(queue.of_callback(connection, first.id)) == 1
        assert queue.of_callback(connection, second.id) == []


def test_b25_different_content_with_the_same_call_id_is_a_new_record(database: Database) -> None:
    """Both legs of a click-to-call share their id; neither is a duplicate of the other."""
    legs = append(database, new_callback("leg 1", call_id="x"), new_callback("leg 2", call_id="x"))
    assert [leg.duplicate_of for leg in legs] == [None, None]


def test_questions_may_repeat(database: Database) -> None:
    """A caller may press the same key twice: without `deduplicate` a repeat is not a duplicate."""
    question = new_callback("question", deduplicate=False, outcome="answered")
    assert [one.duplicate_of for one in append(database, question, question)] == [None, None]


def test_a_repeated_unreadable_callback_stays_unparsed(database: Database) -> None:
    """It refers to its original, and its outcome is still "unparsed"."""
    broken = new_callback("broken", outcome="unparsed", reason="the body is empty")
    first, second = append(database, broken, broken)
    assert second.duplicate_of == first.id
    with database.read_only() as connection:
        assert len(journal.find(connection, Filter(outcome="unparsed"), 10)) == 2


def test_numbers_follow_the_order_of_receipt(database: Database) -> None:
    """Although rows are inserted sorted by hash."""
    results = append(database, *(new_callback(str(number)) for number in range(50)))
    assert [result.id for result in results] == list(range(1, 51))
    with database.read_only() as connection:
        assert [one.body for one in journal.find(connection, Filter(), 50)][::-1] == [b"%d" % n for n in range(50)]


def test_parts_of_a_request_share_its_body(database: Database) -> None:
    """The bytes are stored once, with the first part, and returned with each."""
    whole, part, other = append(
        database,
        new_callback("p0", body=b"[1,2]"),
        new_callback("p1", body=b"", part=1),
        new_callback("other", body=b"other"),
    )
    with database.read_only() as connection:
        bodies = [journal.get(connection, one.id) for one in (whole, part, other)]
    assert [stored.body for stored in bodies if stored] == [b"[1,2]", b"[1,2]", b"other"]


def test_a_nul_character_is_stored_as_a_replacement_character(database: Database) -> None:
    """Not every database accepts NUL in text; the body has the exact bytes."""
    [appended] = append(database, new_callback(call_id="a\0b", body=b"a\0b"))
    with database.read_only() as connection:
        stored = journal.get(connection, appended.id)
    assert stored is not None
    assert (stored.call_id, stored.body) == ("a\ufffdb", b"a\0b")


def test_concurrent_writers_agree_on_one_original(database: Database) -> None:
    """The unique index decides, not a query before the insert."""
    results: list[Appended] = []

    def work() -> None:
        for number in range(20):
            results.extend(append(database, new_callback(f"content {number}", deliveries=("crm",))))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert sum(result.duplicate_of is None for result in results) == 20
    with database.read_only() as connection:
        assert sum(queue.counts(connection).values()) == 20


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), {"1", "2", "3"}),
        (Filter(provider="SPOKN"), {"3"}),
        (Filter(kind="hangup_call"), {"2"}),
        (Filter(call_id="x"), {"1", "2"}),
        (Filter(outcome="Unparsed"), {"2"}),
        (Filter(since=NOON), {"2", "3"}),
        (Filter(until=NOON), {"1"}),
        (Filter(call_id="x", until=NOON), {"1"}),
        (Filter(call_id="X"), set()),
    ],
)
def test_find_returns_what_every_filter_matches(database: Database, wanted: Filter, found: set[str]) -> None:
    """Kinds, providers and outcomes match in any case, call ids exactly (D-14); `until` is exclusive."""
    append(
        database,
        new_callback("1", call_id="x", received_at=NOON - timedelta(microseconds=1)),
        new_callback("2", call_id="x", kind="HANGUP_CALL", outcome="unparsed"),
        new_callback("3", provider="spokn", kind="STATUS"),
    )
    with database.read_only() as connection:
        assert {one.body.decode() for one in journal.find(connection, wanted, 10)} == found


def test_callbacks_are_paged_in_order_of_receipt(database: Database) -> None:
    """Of one kind, from a time on; those received at one moment by their number."""
    minutes = [5, 1, 3, 3, 9]
    append(
        database,
        *(new_callback(f"{at}", received_at=NOON + timedelta(minutes=minute)) for at, minute in enumerate(minutes)),
        new_callback("hangup", kind="HANGUP_CALL", received_at=NOON + timedelta(minutes=2)),
    )
    after, found = (NOON + timedelta(minutes=2), 0), []
    with database.read_only() as connection:
        until = NOON + timedelta(minutes=9)
        while page := journal.page_by_time(connection, "voicenter", "CDR", after, until, 2):
            found += [one.body for one in page]
            after = page[-1].received_at, page[-1].id
    assert found == [b"2", b"3", b"0"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_by_time_reads_no_other_part_of_the_journal(database: Database) -> None:
    """SQLite takes the index of the times, in whose order the page is, rather than that of the kinds."""
    asked: list[tuple[str, Any]] = []
    with database.read_only() as connection:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        journal.page_by_time(connection, "voicenter", "CDR", (NOON, 0), NOON, 2)
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1])]
    assert plan[0] == "SEARCH callbacks USING INDEX ix_callbacks_received_at (received_at>? AND received_at<?)"
    assert not any("ORDER BY" in step for step in plan)
