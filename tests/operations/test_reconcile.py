"""Comparing a call log with the journal, and fetching what is missing; the log is Voicenter's, without a network."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver import Handlers
from receiver.app import make_providers
from receiver.intake.reread import reread
from receiver.operations.reconcile import Comparison, Reconciler, Result, count
from receiver.plugins.registry import Registry
from receiver.providers.base.api.errors import TransportError
from receiver.providers.base.contract import Provider
from receiver.providers.voicenter import Cdr
from receiver.providers.voicenter.api.call_log import CallLog, CallLogRow
from receiver.settings import Settings
from storage import Database, journal, queue, retention
from storage.values import Filter

pytestmark = pytest.mark.anyio
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=3)
ZONES = {"time_zone": "Asia/Jerusalem", "api": {"code": "x", "time_zone": "Asia/Jerusalem"}}


def logged(call_id: str = "c1", hours: float = 1, **fields: Any) -> dict[str, Any]:
    """A row of the call log, as sent."""
    date = (NOW - timedelta(hours=hours)).astimezone(ZoneInfo("Asia/Jerusalem")).strftime("%Y-%m-%dT%H:%M:%S")
    common = {"Date": date, "Type": "Incoming Call", "CallerNumber": "0501111111", "TargetNumber": "0540000000"}
    return {**common, "CallID": call_id, "Duration": 61, "DialStatus": "ANSWER", "Price": 2.5, **fields}


class Calls:
    """The group `calls` of a client. `breaks_at` is the search that gets no reply."""

    def __init__(self, rows: Sequence[dict[str, Any]], breaks_at: int = 0) -> None:
        self.calls = self
        self._rows = [CallLogRow.from_wire(row) for row in rows]
        self._left = breaks_at

    async def search(self, since: datetime, until: datetime) -> CallLog:
        """The rows of that time."""
        self._left -= 1
        if not self._left:
            raise TransportError("no reply")
        zone = ZoneInfo("Asia/Jerusalem")
        return CallLog(calls=[row for row in self._rows if since <= (row.started_in(zone) or since) <= until])


def voicenter() -> Provider[Any]:
    """Voicenter, whose clocks show the time of Jerusalem."""
    return make_providers(Settings(providers={"voicenter": ZONES}))["voicenter"]


def reconciler(database: Database, client: Calls, *, fetch: bool = True) -> Reconciler:
    """With one handler."""
    handlers, provider = Handlers(), voicenter()

    @handlers.on(Cdr, name="crm")
    def crm(cdr: Cdr) -> None:
        """Do nothing."""

    source = provider.call_log()
    assert source is not None
    registry = Registry([*handlers], {"voicenter": provider})
    return Reconciler(database, provider, source, client, registry=registry if fetch else None)


async def run(database: Database, client: Calls, *, fetch: bool = True) -> list[Comparison]:
    """Compare the last three days."""
    return await reconciler(database, client, fetch=fetch).run(SINCE, NOW)


async def stored(database: Database) -> list[Any]:
    """The callbacks of the journal, newest first."""
    return await database.read(partial(journal.find, wanted=Filter(), limit=100))


async def test_a_fetched_record_is_the_cdr_that_would_have_come(database: Database) -> None:
    """Its values are those of the row, its time on the clock of the setting, and its handlers get it."""
    row = logged(
        TargetExtension="SIP1", QueueName="Sales", RingTime=9, RecordExpect="yes", CustomData={"a": "b"}, X="1"
    )
    [found] = await run(database, Calls([row]))
    assert found.result is Result.FETCHED
    [callback] = await stored(database)
    assert (callback.outcome, callback.notes, callback.peer) == ("accepted", ("call_log",), "call log")
    cdr = reread(voicenter(), callback)
    assert isinstance(cdr, Cdr)
    assert (cdr.call_id, cdr.type, cdr.caller, cdr.target) == ("c1", "Incoming Call", "0501111111", "0540000000")
    assert (cdr.duration, cdr.status, str(cdr.price), cdr.dial_time) == (61, "ANSWER", "2.5", 9)
    assert (cdr.target_extension, cdr.queue_name, cdr.custom_data) == ("SIP1", "Sales", {"a": "b"})
    assert cdr.extra == {"RecordExpect": "yes", "X": "1"}
    assert cdr.started == NOW - timedelta(hours=1)
    deliveries = await database.read(partial(queue.of_callback, callback_id=callback.id))
    assert [one.handler for one in deliveries] == ["crm"]


async def test_what_was_fetched_is_in_both_the_next_time(database: Database) -> None:
    """However often it runs; without `fetch` nothing is stored at all."""
    client = Calls([logged("c1"), logged("c2"), logged("c2", Type="Queue"), logged("", hours=2)])
    assert count(await run(database, client, fetch=False))["missing"] == 4
    assert await stored(database) == []
    assert count(await run(database, client))["fetched"] == 4
    for _ in range(2):
        assert count(await run(database, client)) == {
            "both": 4, "different": 0, "missing": 0, "fetched": 0, "only_here": 0
        }  # fmt: skip
    assert len(await stored(database)) == 4


async def test_an_interrupted_run_is_completed_by_the_next_one(database: Database) -> None:
    """What the first one has stored is not stored again."""
    rows = [logged(f"c{hours}", hours=hours) for hours in range(1, 70, 3)]
    await run(database, Calls(rows[:5]))
    with pytest.raises(TransportError):
        await run(database, Calls(rows, breaks_at=3))
    assert count(await run(database, Calls(rows)))["fetched"] == len(rows) - 5
    assert len(await stored(database)) == len(rows)


async def test_a_record_without_its_bytes_is_not_fetched_again(database: Database) -> None:
    """`keep_bodies_days` blanks them; the call id is still known."""
    await run(database, Calls([logged()]))
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'done', due_at = NULL")
        assert retention.blank(connection, NOW + timedelta(hours=1), 10) == 1
    assert count(await run(database, Calls([logged()])))["both"] == 1


async def test_rows_with_wrong_times_and_repeated_rows_make_no_doubles(database: Database) -> None:
    """A log that shows another zone's clock, and each row twice."""
    await run(database, Calls([logged()]))
    assert count(await run(database, Calls([logged(hours=3), logged(hours=3)])))["both"] == 1
    assert len(await stored(database)) == 1


async def test_differences_and_what_is_only_here_are_reported(database: Database) -> None:
    """With what is there and what is here."""
    await run(database, Calls([logged("c1"), logged("c2")]))
    rows = await run(database, Calls([logged("c1", Duration=60, DialStatus="BUSY", Price=3)]))
    assert {row.leg.call_id: row.result for row in rows} == {"c1": Result.DIFFERENT, "c2": Result.ONLY_HERE}
    [different] = [row for row in rows if row.result is Result.DIFFERENT]
    assert different.differences == {"duration": ("60", "61"), "status": ("BUSY", "ANSWER"), "price": ("3", "2.5")}
