"""Comparing a call log with the journal, and fetching what is missing; the log is Voicenter's, without a network."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver import Handlers
from receiver.components import make_providers
from receiver.intake.fetched import fetched_row
from receiver.intake.reread import reread
from receiver.operations.log_spans import CallCollector
from receiver.operations.reconcile import Comparison, Reconciler, Result, count
from receiver.operations.windows import Window
from receiver.plugins.registry import Registry
from receiver.providers.base.api.errors import TransportError
from receiver.providers.base.call_log import CallLeg, LoggedCall
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
    spans = reconciler(database, client, fetch=fetch).spans(SINCE, NOW)
    return [row async for span in spans for row in span.rows]


async def send(database: Database, began: datetime, **values: Any) -> None:
    """Store a CDR as if it had come."""
    shown = began.astimezone(ZoneInfo("Asia/Jerusalem")).replace(tzinfo=UTC)
    source = voicenter().call_log()
    assert source is not None
    request = source.request({**values, "duration": 61, "time": int(shown.timestamp())}, began + timedelta(minutes=2))
    row = fetched_row(voicenter(), Registry([], {}), request)
    await database.write(partial(journal.append, batch=[row]))


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
    client = Calls([logged("c1"), logged("c2"), logged("c2", Type="Queue"), logged("c3", hours=2)])
    assert count(await run(database, client, fetch=False))["missing"] == 4
    assert await stored(database) == []
    assert count(await run(database, client))["fetched"] == 4
    for _ in range(2):
        assert count(await run(database, client)) == {
            "both": 4, "different": 0, "missing": 0, "fetched": 0, "unidentified": 0, "only_here": 0
        }  # fmt: skip
    assert len(await stored(database)) == 4


async def test_an_interrupted_run_is_completed_by_the_next_one(database: Database) -> None:
    """What it has stored span by span stays, and is not stored again."""
    rows = [logged(f"c{hours}", hours=hours) for hours in range(1, 70, 3)]
    with pytest.raises(TransportError):
        await run(database, Calls(rows, breaks_at=3))
    stored_first = len(await stored(database))
    assert 10 <= stored_first < 20
    assert count(await run(database, Calls(rows)))["fetched"] == len(rows) - stored_first
    assert len(await stored(database)) == len(rows)


async def test_each_span_says_how_far_the_log_is_done(database: Database) -> None:
    """A run from there on compares each of the other calls, and none twice."""
    rows = [logged(f"c{hours}", hours=hours) for hours in range(1, 70, 3)]
    spans = [span async for span in reconciler(database, Calls(rows)).spans(SINCE, NOW)]
    assert [row.leg.call_id for span in spans for row in span.rows] == [f"c{hours}" for hours in range(67, 0, -3)]
    assert len(spans) == 3
    assert spans[-1].reached == NOW
    for span in spans[:-1]:
        later = [row async for rest in reconciler(database, Calls(rows)).spans(span.reached, NOW) for row in rest.rows]
        assert {row.leg.call_id for row in later} == {
            row.leg.call_id for other in spans[spans.index(span) + 1 :] for row in other.rows
        }


async def test_a_call_with_rows_in_two_windows_is_compared_whole(database: Database) -> None:
    """Two legs of one type, one before the end of the first day and one after it; each comes once."""
    legs = [logged("c1", hours=48.2), logged("c1", hours=47.9, Duration=5)]
    await run(database, Calls(legs[1:]))
    rows = await run(database, Calls(legs))
    assert [(row.result, row.leg.duration_seconds) for row in rows] == [(Result.FETCHED, 61), (Result.BOTH, 5)]
    assert len(await stored(database)) == 2


async def test_a_run_holds_the_rows_of_a_day_and_not_those_of_all_days(database: Database) -> None:
    """However long the span is."""
    collector, most = CallCollector(), 0
    for day in range(31):
        begin = NOW + timedelta(days=day)
        began = [begin + timedelta(minutes=minutes) for minutes in range(0, 1440, 10)]
        legs = [CallLeg(f"{one}", "cc", ("1", "2"), one) for one in began]
        collector.add(Window(begin, begin + timedelta(days=1), [LoggedCall(leg, {}) for leg in legs]))
        most = max(most, len(collector))
        collector.take(begin + timedelta(days=1))
    assert most <= 144 * 1.25


@pytest.mark.parametrize("is_known", [False, True])
async def test_rows_without_a_call_id_are_counted_and_never_doubled(is_known: bool, database: Database) -> None:
    """They are in both where a CDR has their type, numbers and time, with an id or without; else they are reported."""
    nameless = [logged(""), logged("", hours=2), logged("", hours=30)]
    if is_known:
        values = {"caller": "0501111111", "target": "0540000000", "type": "Incoming Call", "status": "ANSWER"}
        await send(database, NOW - timedelta(hours=1), **values, ivruniqueid="c1")
        await send(database, NOW - timedelta(hours=2), **values)
    for _ in range(3):
        counts = count(await run(database, Calls([*nameless, *nameless])))
        assert (counts["both"] + counts["different"], counts["unidentified"]) == ((2, 1) if is_known else (0, 3))
        assert counts["missing"] == counts["fetched"] == counts["only_here"] == 0
    assert len(await stored(database)) == (2 if is_known else 0)


async def test_a_cdr_without_a_call_id_stands_for_its_row(database: Database) -> None:
    """The row has an id: it is not fetched, also where another leg of its call is."""
    values = {"caller": "0501111111", "target": "0540000000", "type": "Incoming Call", "status": "ANSWER"}
    await send(database, NOW - timedelta(hours=1), **values)
    for expected in (1, 0):
        counts = count(await run(database, Calls([logged(), logged(Type="Queue")])))
        assert (counts["fetched"], counts["missing"]) == (expected, 0)
    assert len(await stored(database)) == 2


async def test_a_record_of_another_zone_is_not_only_here(database: Database) -> None:
    """The log shows it three hours later, in the window after; calls are compared once their rows are complete."""
    await run(database, Calls([logged(hours=48.5)]))
    rows = await run(database, Calls([logged(hours=45.5)]))
    assert [row.result for row in rows] == [Result.BOTH]


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
