"""What the journal knows of one call: its newest steps and its state."""

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text

import storage
from receiver.operations.phone_numbers import number_redactor
from storage import Database, NewCallback, erasure, journal, retention
from storage.call_history import CallFilter, StoredCall, load
from storage.erasure import Place
from storage.failover import FailoverStore
from storage.numbering import next_callback_ids
from storage.spool import Spool, _adapter
from storage.tables import callbacks
from tests.storage.support import NOON, append, new_callback

NEW_COLUMNS = {"call_state", "answered_by"}


def step(content: str, *, minutes: float = 0, **fields: Any) -> NewCallback:
    """An answered question of one call, so many minutes after noon."""
    defaults = {
        "kind": "GET_IVR_ACTION",
        "call_id": "call-1",
        "outcome": "answered",
        "deduplicate": False,
        "received_at": NOON + timedelta(minutes=minutes),
    }
    return new_callback(content, **{**defaults, **fields})


def history(database: Database, *, limit: int = 100, hours: float = 24, before: int | None = None) -> StoredCall:
    """What is known of that call an hour after noon."""
    since = NOON + timedelta(hours=1) - timedelta(hours=hours)
    with database.read_only() as connection:
        return load(connection, CallFilter(provider="voicenter", call_id="call-1", since=since, before=before), limit)


def bodies(call: StoredCall) -> list[bytes]:
    """The bodies of its callbacks."""
    return [one.body for one in call.callbacks]


def test_the_steps_of_a_call_come_oldest_first(database: Database) -> None:
    """Those of other calls, of other providers, repeats and what could not be read are no steps."""
    cdr = step("cdr", kind="CDR", outcome="accepted", deduplicate=True, minutes=3)
    append(
        database,
        step("one"),
        step("two", minutes=1, outcome="fallback"),
        step("other call", call_id="call-2"),
        step("other provider", provider="spokn"),
        step("unreadable", outcome="unparsed"),
        cdr,
        cdr,
    )
    assert bodies(history(database)) == [b"one", b"two", b"cdr"]


def test_only_the_newest_steps_within_the_age_limit_count(database: Database) -> None:
    """A call id that is used again after days begins anew; a call that loops does not fill the memory."""
    append(database, step("old", minutes=-30, call_state=b'{"old":1}'), step("a"), step("b"), step("c"))
    assert bodies(history(database, limit=2)) == [b"b", b"c"]
    assert history(database, hours=1) == StoredCall(history(database, limit=3).callbacks, None)
    assert history(database).state == b'{"old":1}'


def test_the_state_is_that_of_the_newest_step_that_changed_it(database: Database) -> None:
    """Also where it is older than the newest steps, and where an older one was committed late."""
    append(
        database,
        step("one", call_state=b'{"n":1}'),
        step("three", minutes=3, call_state=b'{"n":3}'),
        step("two, committed late", minutes=2, call_state=b'{"n":2}'),
        step("four", minutes=4),
    )
    assert history(database).state == b'{"n":3}'
    append(database, *(step(f"later {number}", minutes=5 + number) for number in range(5)))
    assert history(database, limit=3).state == b'{"n":3}'


def test_a_call_can_be_seen_as_it_was_before_one_of_its_callbacks(database: Database) -> None:
    """What came afterwards, steps and state, is not in it."""
    stored = append(
        database,
        step("one", call_state=b'{"n":1}'),
        step("two", minutes=1, call_state=b'{"n":2}'),
        step("three", minutes=2, call_state=b'{"n":3}'),
    )
    then = history(database, before=stored[1].id)
    assert (bodies(then), then.state) == ([b"one"], b'{"n":1}')


def test_the_history_of_a_call_is_found_by_the_index_of_call_ids(database: Database) -> None:
    """Nothing else of a large journal is read, whatever else it holds."""
    append(database, *(step(f"step {number}", call_id=f"call-{number}") for number in range(500)))
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    plan = "\n".join(plans(database, lambda connection: history_of(connection)))
    assert "ix_callbacks_call_id" in plan
    assert "SCAN callbacks" not in plan
    assert "Seq Scan on callbacks" not in plan.replace("Seq Scan on callbacks head", "")


def history_of(connection: Connection) -> None:
    """The history of one call, as a handler's is loaded."""
    load(connection, CallFilter(provider="voicenter", call_id="call-7", since=NOON, before=1000), 100)


def plans(database: Database, work: Any) -> list[str]:
    """How the database finds what `work` selects: a line for each step of each plan."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    found: list[str] = []
    with database.read_only() as connection:
        if not database.is_sqlite:  # a table of a few hundred rows is read from end to end otherwise
            connection.execute(text("SET LOCAL enable_seqscan = off"))

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement.startswith("SELECT"):
                rows = connection.connection.driver_connection.execute(f"{explain} {statement}", parameters)  # type: ignore[union-attr]  # both drivers have it
                found.extend(str(row[-1]) for row in rows)

        event.listen(connection, "before_cursor_execute", note)
        work(connection)
    return found


def test_a_state_comes_back_from_the_spool_as_it_was(tmp_path: Path) -> None:
    """Byte by byte, while the database is away."""
    new = step("one", call_state='{"name":"אבי"}'.encode(), answered_by="handlers.office.menu")
    [read] = _adapter.validate_json(_adapter.dump_json([new]))
    assert read == new


async def test_a_state_moves_from_the_spool_into_the_journal(database: Database, tmp_path: Path) -> None:
    """As soon as the database is back, the next question of the call finds it, whichever receiver answers."""
    spool = Spool(tmp_path / "spool.db")
    spool.open()
    await spool.put([step("one", call_state=b'{"n":1}')])
    store = FailoverStore(database, spool)
    store.start()
    async with asyncio.timeout(10):
        while spool.count:
            await asyncio.sleep(0.01)
    await store.stop()
    spool.close()
    assert history(database).state == b'{"n":1}'


async def test_what_an_earlier_version_spooled_has_no_state(tmp_path: Path) -> None:
    """Its rows lack the fields, and move into the journal all the same."""
    spool = Spool(tmp_path / "spool.db")
    spool.open()
    await spool.put([step("one")])
    with sqlite3.connect(spool.path) as connection:
        [(written,)] = connection.execute("SELECT callbacks FROM spool")
        older = [
            {k: v for k, v in one.items() if k not in {"call_state", "answered_by"}} for one in json.loads(written)
        ]
        connection.execute("UPDATE spool SET callbacks = ?", (json.dumps(older).encode(),))
    connection.close()
    [(_, [read])] = await spool.oldest(10)
    assert (read.body, read.call_state, read.answered_by) == (b"one", None, None)
    spool.close()


def test_older_rows_stay_readable_when_the_columns_are_added(database_url: str) -> None:
    """A journal of the version before has calls without a state."""
    with Database(database_url) as database:
        _upgrade_to(database, "0002")
        with database.begin() as connection:
            [number] = next_callback_ids(connection, 1)
            row = {**journal._row(number, step("one"), None), "received_at": NOON, "body": b"one", "reply_body": b""}
            connection.execute(callbacks.insert().values({name: row[name] for name in row if name not in NEW_COLUMNS}))
        database.migrate()
        append(database, step("two", minutes=1, call_state=b'{"n":2}'))
        call = history(database)
        assert (bodies(call), call.state) == ([b"one", b"two"], b'{"n":2}')
        assert [one.call_state for one in call.callbacks] == [None, b'{"n":2}']


def _upgrade_to(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations"))
    with database._writing.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_a_number_in_a_state_is_erased_with_the_rest(database: Database) -> None:
    """The state stays readable JSON, and rows without one stay as they are."""
    state = b'{"caller":"0501234567","digits":501234567,"tries":2}'
    append(database, step("one", call_state=state), step("two", minutes=1))
    with database.begin() as connection:
        page = erasure.mask_page(
            connection, Place.CALLBACKS, number_redactor("0501234567", "972"), 0, 100, only_count=False
        )
    assert (page.seen, page.changed) == (2, 1)
    masked = history(database).state
    assert masked is not None
    assert json.loads(masked) == {"caller": "**********", "digits": "*********", "tries": 2}


def test_a_state_goes_with_the_bytes_of_its_callback(database: Database) -> None:
    """It may hold what the caller has pressed."""
    append(database, step("one", call_state=b'{"pin":"1234"}'))
    with database.begin() as connection:
        assert retention.blank(connection, NOON + timedelta(days=1), 100) == 1
    assert history(database).state is None
    with database.begin() as connection:
        assert retention.prune(connection, NOON + timedelta(days=1), 100) == 1
    assert history(database).callbacks == []
