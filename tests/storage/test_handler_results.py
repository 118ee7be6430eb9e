"""How handlers have done lately, as the journal knows it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from storage import Database, State, handler_results
from storage.handler_results import HandlerResults, of_deliveries, of_questions
from tests.storage.support import append, claim, finish, new_callback
from tests.storage.test_call_history import plans

NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)


def deliveries_of(database: Database) -> dict[str, HandlerResults]:
    """What became of deliveries since yesterday."""
    with database.read_only() as connection:
        return of_deliveries(connection, YESTERDAY)


def asked(content: str, handler: str, outcome: str = "answered", **fields: Any) -> Any:
    """A question that a handler was asked."""
    defaults = {"kind": "GET_IVR_ACTION", "deduplicate": False, "received_at": NOW, "answered_by": handler}
    return new_callback(content, outcome=outcome, **{**defaults, **fields})


def test_the_last_result_of_a_handler_is_that_of_its_newest_delivery(database: Database) -> None:
    """Other handlers do not count, nor do deliveries that still wait."""
    for number, state in enumerate([State.DROPPED, State.DONE]):
        append(database, new_callback(f"content {number}", deliveries=("crm", "csv")))
        finish(database, claim(database, {"crm": 1}), state, error="not wanted" if state is State.DROPPED else "")
    found = deliveries_of(database)
    assert found.keys() == {"crm"}
    assert (found["crm"].result, found["crm"].reason, found["crm"].failures) == ("done", "", 0)


def test_failed_attempts_count_until_they_are_a_day_old(database: Database) -> None:
    """The newest is the last result, until the delivery succeeds; one that a stop cut short is no failure."""
    append(database, new_callback("a", deliveries=("crm",)))
    for result, started_at in [
        ("failed", NOW - timedelta(days=2)),
        ("failed", NOW - timedelta(hours=2)),
        ("released", NOW - timedelta(hours=1)),
        ("late", NOW),
    ]:
        failing = claim(database, {"crm": 1})
        finish(database, failing, State.DUE, result=result, error=f"it is {result}", started_at=started_at)
    found = deliveries_of(database)["crm"]
    assert (found.result, found.reason, found.failures, found.at) == ("late", "it is late", 2, NOW)
    finish(database, claim(database, {"crm": 1}))
    found = deliveries_of(database)["crm"]
    assert (found.result, found.failures) == ("done", 2)


def test_questions_are_counted_by_the_handler_that_was_asked(database: Database) -> None:
    """Its last answer, and how many of a day it did not answer; what no handler was asked is nobody's."""
    append(
        database,
        asked("old", "menu", "failed", received_at=NOW - timedelta(days=2)),
        asked("one", "menu", "fallback", reason="it was late"),
        asked("two", "menu"),
        asked("three", "sales", "failed", reason="ValueError: no such key", kind="IVR_LAYER_INPUT"),
        asked("four", "", answered_by=None, outcome="failed"),
    )
    with database.read_only() as connection:
        found = of_questions(connection, ["GET_IVR_ACTION", "IVR_LAYER_INPUT", "POPUP"], YESTERDAY)
    assert found == {
        "menu": HandlerResults(at=NOW, result="answered", failures=1),
        "sales": HandlerResults(at=NOW, result="failed", reason="ValueError: no such key", failures=1),
    }


def test_an_empty_journal_has_no_results(database: Database) -> None:
    """Nor has one that nothing was received in for a day."""
    assert deliveries_of(database) == {}
    append(database, asked("old", "menu", received_at=NOW - timedelta(days=2)))
    with database.read_only() as connection:
        assert of_questions(connection, ["GET_IVR_ACTION"], YESTERDAY) == {}


def test_results_are_found_by_indexes(database: Database) -> None:
    """Whatever else a large journal holds: a day of questions by kind, failed attempts by their time."""
    append(database, *(asked(str(number), "menu", received_at=YESTERDAY) for number in range(300)))
    append(database, *(new_callback(f"cdr {number}", deliveries=("crm",)) for number in range(300)))
    finish(database, claim(database, {"crm": 300}), State.DUE, result="failed")
    with database.begin() as connection:
        connection.execute(text("UPDATE attempts SET started_at = started_at - 200000000000 WHERE delivery_id > 5"))
        connection.execute(text("ANALYZE"))

    def look(connection: Connection) -> None:
        of_deliveries(connection, YESTERDAY)
        of_questions(connection, ["GET_IVR_ACTION"], NOW - timedelta(hours=30))

    plan = "\n".join(plans(database, look))
    assert "ix_attempts_started_at" in plan
    assert "ix_callbacks_received_at" in plan
    if database.is_sqlite:
        assert "ix_callbacks_kind" in plan
        assert not {"SCAN callbacks", "SCAN attempts", "SCAN deliveries"} & set(plan.splitlines())


def test_only_the_newest_deliveries_are_looked_through(database: Database, monkeypatch: Any) -> None:
    """Finished ones are in no index, so a handler that has been idle for long has no last result."""
    assert handler_results.NEWEST == 100_000
    plan = "\n".join(plans(database, lambda connection: of_deliveries(connection, YESTERDAY)))
    assert "PRIMARY KEY (rowid>?)" in plan or "deliveries_pkey" in plan
