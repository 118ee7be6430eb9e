"""The history of ViviPhone's buttons as a call log, played by the sandbox and read by the client."""

import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest

from receiver import CallRecord, Direction, Handlers, Outcome
from receiver.components import api_options, load_components, make_providers
from receiver.errors import PayloadError, SettingsError
from receiver.intake.reread import reread
from receiver.operations.reconcile import Comparison, Reconciler, count
from receiver.operations.reconcile_task import make_reconcilers
from receiver.operations.redelivery import Posted, planned_deliveries, post_again
from receiver.plugins.registry import Registry
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.contract import Fault
from receiver.providers.base.log_only import record_request
from receiver.providers.viviphone import PastCall, ViviPhone
from receiver.providers.viviphone.call_log import ViviPhoneCallLog
from receiver.providers.viviphone.options import ViviPhoneOptions
from receiver.settings import Settings
from receiver.web.auth import access_policies
from receiver.wire import jsonbody
from storage import Database, StoredCallback, journal, queue, retention
from storage.values import Filter
from tests.sandbox.playing import Playing, playing

pytestmark = pytest.mark.anyio
KEY = "hg73jkd8fks82sgl"
NOW = datetime.now(UTC)
ROW = {
    "button": "743345568",
    "is_num_intl": "0",
    "telnum": "2125551234",
    "cname": "Ann",
    "dursec": "61",
    "date": "2010-01-30 17:07:11",
    "calltype": "inbound",
    "cost_ct": "2.5",
}
"""A row of a history, and its button."""


def viviphone(**options: Any) -> ViviPhone:
    """ViviPhone, with one button."""
    api = {"key": KEY, "buttons": ["743345568"], **options}
    return ViviPhone(ViviPhoneOptions.model_validate({"api": api}))


def record(provider: ViviPhone | None = None, **fields: str) -> CallRecord:
    """The call record of a row, read from its stored bytes."""
    provider = provider or viviphone()
    [parsed] = provider.read(record_request({**ROW, **fields}, NOW)).callbacks
    found = provider.record(parsed.require_event())
    assert found is not None
    return found


def test_an_inbound_row_is_a_record_of_an_incoming_call() -> None:
    """With every value of the row; the button stands for the side that was called."""
    found = record()
    assert (found.from_number, found.to_number) == ("2125551234", "743345568")
    assert (found.from_international, found.to_international) == ("12125551234", None)
    assert (found.direction, found.outcome, found.talk_seconds) == (Direction.INCOMING, Outcome.ANSWERED, 61)
    assert found.started == datetime(2010, 1, 30, 17, 7, 11, tzinfo=UTC)
    assert found.cost is not None
    assert (found.cost.amount, found.cost.currency) == (Decimal("0.025"), "USD")
    assert isinstance(found.event, PastCall)
    assert (found.event.name, found.event.button, found.event.is_international) == ("Ann", "743345568", False)


def test_an_outbound_row_is_a_record_of_an_outgoing_call() -> None:
    """The number is that which was called, with its country code where it is international."""
    found = record(calltype="outbound", telnum="442071234567", is_num_intl="1")
    assert (found.from_number, found.to_number) == ("743345568", "442071234567")
    assert (found.to_international, found.direction) == ("442071234567", Direction.OUTGOING)
    assert found.customer == "442071234567"


@pytest.mark.parametrize(
    ("seconds", "outcome"), [("0", Outcome.NO_ANSWER), ("1", Outcome.ANSWERED), ("", Outcome.UNKNOWN)]
)
def test_the_outcome_is_derived_from_the_length(seconds: str, outcome: Outcome) -> None:
    """The history has no status."""
    assert record(dursec=seconds).outcome is outcome


def test_i41_dates_have_the_zone_of_the_settings() -> None:
    """The id of a row does not depend on it."""
    provider = viviphone(time_zone="America/New_York")
    found = record(provider)
    assert found.started == datetime(2010, 1, 30, 22, 7, 11, tzinfo=UTC)
    assert found.call_id == record().call_id


@pytest.mark.parametrize(
    ("field", "value", "is_other"),
    [
        ("button", "743345569", True),
        ("date", "2010-01-30 17:07:12", True),
        ("date", "once", True),
        ("telnum", "2125551235", True),
        ("calltype", "outbound", True),
        ("calltype", "Inbound", False),
        ("dursec", "62", False),
        ("cname", "", False),
        ("cost_ct", "0", False),
    ],
)
def test_button_date_number_and_type_identify_a_row(field: str, value: str, is_other: bool) -> None:
    """Both its call id and its hash."""
    changed = record_request({**ROW, field: value}, NOW)
    [one], [other] = (viviphone().read(request).callbacks for request in (record_request(ROW, NOW), changed))
    assert (one.call_id != other.call_id) is is_other
    assert (one.content_hash != other.content_hash) is is_other


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"date": ["\\ud800"], "telnum": {"a": 1}}', b"\xff\xfe"])
def test_stored_bytes_that_are_no_record_are_a_fault_and_no_exception(body: bytes) -> None:
    """As for every provider."""
    [parsed] = viviphone().read(replace(record_request(ROW, NOW), body=body)).callbacks
    assert parsed.fault in {None, Fault.PARSE}
    assert parsed.content_hash


# --- with the sandbox ------------------------------------------------------------------------------------------------


async def new_button(play: Playing, number: str = "2125551234") -> str:
    """A new button's id."""
    fields = {"method": "c2c.new", "key": KEY, "dest1_num": number, "pin": "5432"}
    reply = await play.client.post("/viviphone/api/", data=fields)
    return ET.fromstring(reply.content).findtext("id") or ""


async def ring(play: Playing, *buttons: str) -> None:
    """A call over each button, until all are over."""
    for button in buttons:
        call = {"provider": "viviphone", "caller": "5145558954", "did": button, "options": {"caller_name": "Jane"}}
        assert (await play.client.post("/sandbox/calls", json=call)).status_code == 201
    await play.settle()


@asynccontextmanager
async def reconciling(
    play: Playing, database: Database, buttons: Sequence[str], *, fetch: bool = True
) -> AsyncIterator[tuple[Registry, Reconciler]]:
    """A reconciler made from settings, as the command makes it, with one handler of call records."""
    api = {"key": KEY, "buttons": ",".join(buttons), "base_url": "http://localhost/viviphone"}
    settings = Settings(apis={"viviphone": api})
    providers, handlers = make_providers(settings), Handlers()

    @handlers.on(CallRecord, name="crm")
    def crm(record: CallRecord) -> None:
        """Do nothing."""

    registry = Registry([*handlers], providers)
    async with ApiClients(api_options(settings, providers), httpx.ASGITransport(play.sandbox.app)) as apis:
        [made] = make_reconcilers(database, providers, apis, registry=registry if fetch else None)
        yield registry, made


async def stored(database: Database) -> list[StoredCallback]:
    """The callbacks of the journal, oldest first."""
    return await database.read(partial(journal.page, wanted=Filter(), after=0, limit=100))


async def compared(reconciler: Reconciler) -> list[Comparison]:
    """Every record of the span."""
    return [row async for span in reconciler.spans(*SPAN) for row in span.rows]


SPAN = NOW - timedelta(days=3), NOW + timedelta(hours=2)


async def test_the_history_of_all_buttons_is_fetched_once(database: Database) -> None:
    """Each row is a callback with a delivery; however often it runs, also after new calls."""
    async with playing() as play:
        buttons = [await new_button(play, f"212555123{number}") for number in range(4)]
        await ring(play, *buttons[:3])
        async with reconciling(play, database, buttons, fetch=False) as (_, only_comparing):
            assert count(await compared(only_comparing))["missing"] == 6
            assert await stored(database) == []
        async with reconciling(play, database, buttons) as (_, fetching):
            assert count(await compared(fetching))["fetched"] == 6
            assert count(await compared(fetching))["both"] == 6
            await ring(play, buttons[3])
            assert count(await compared(fetching)) == {
                "both": 6, "different": 0, "missing": 0, "unidentified": 0, "fetched": 2, "only_here": 0
            }  # fmt: skip
    found = await stored(database)
    assert len(found) == 8
    assert {(one.provider, one.kind, one.outcome, one.notes) for one in found} == {
        ("viviphone", "HISTORY", "accepted", ("call_log",))
    }
    for one in found:
        deliveries = await database.read(partial(queue.of_callback, callback_id=one.id))
        assert [delivery.handler for delivery in deliveries] == ["crm"]


async def test_a_stored_row_is_read_again_from_its_bytes(database: Database) -> None:
    """For a replay: the same event, the same handlers. It is never posted: the provider sends nothing to a URL."""
    async with playing() as play:
        button = await new_button(play)
        await ring(play, button)
        async with reconciling(play, database, [button]) as (registry, fetching):
            await compared(fetching)
            inbound, outbound = await stored(database)
            events = [reread(registry.providers["viviphone"], one) for one in (inbound, outbound)]
            planned = planned_deliveries(registry.providers, registry, inbound)
    assert [getattr(event, "number", "") for event in events] == ["5145558954", "12125551234"]
    assert [event.call_id for event in events] == [inbound.call_id, outbound.call_id]
    assert isinstance(events[0], PastCall)
    assert (events[0].button, events[0].name, events[0].duration_seconds) == (button, "Jane", 60)
    assert jsonbody.read(inbound.body.decode())[0]["telnum"] == "5145558954"
    assert [one.handler for one in planned] == ["crm"]
    assert post_again(inbound, "http://127.0.0.1:9") == (Posted.SKIPPED, "")


async def test_a_row_without_its_bytes_is_not_fetched_again(database: Database) -> None:
    """`keep_bodies_days` blanks them; the call id is still known."""
    async with playing() as play:
        button = await new_button(play)
        await ring(play, button)
        async with reconciling(play, database, [button]) as (registry, fetching):
            await compared(fetching)
            with database.begin() as connection:
                connection.exec_driver_sql("UPDATE deliveries SET state = 'done', due_at = NULL")
                retention.blank(connection, NOW + timedelta(days=1), 10)
            assert count(await compared(fetching))["both"] == 2
            with pytest.raises(PayloadError):
                reread(registry.providers["viviphone"], (await stored(database))[0])


class Histories:
    """The group `history` of a client, with the rows of one button."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self.history = self
        self.calls = [PastCall.from_wire(row) for row in rows]
        self.asked: list[int] = []

    async def get(self, button: str, days: int) -> "Histories":
        """The rows, whatever the days."""
        self.asked.append(days)
        return self


@pytest.mark.parametrize(("back", "days"), [(timedelta(0), 1), (timedelta(hours=23), 2), (timedelta(days=30), 31)])
async def test_a_search_asks_for_all_days_since_it_begins(back: timedelta, days: int) -> None:
    """Counted from today, one more than there are: whose today it is, the document does not say."""
    noon, provider = datetime(2026, 11, 25, 12, tzinfo=UTC), viviphone()
    assert provider.options.api is not None
    client = Histories()
    await ViviPhoneCallLog(provider, provider.options.api, lambda: noon).search(client, noon - back, noon)
    assert client.asked == [days]


async def test_a_row_counts_in_its_span_and_once() -> None:
    """A reply reaches further than the span; a row whose date cannot be read is never left out."""
    provider = viviphone()
    source = provider.call_log()
    assert source is not None
    row = {name: value for name, value in ROW.items() if name != "button"}
    client = Histories(row, row, {**row, "date": "once"}, {**row, "date": "2010-01-31 00:00:00"})
    day = datetime(2010, 1, 30, tzinfo=UTC)
    found = await source.search(client, day, day + timedelta(hours=20))
    assert [one.values["date"] for one in found] == ["2010-01-30 17:07:11", "once"]


async def test_two_calls_of_one_second_are_two_records() -> None:
    """With one number and type they would have one id, so the second is counted; the first keeps its id."""
    provider = viviphone()
    source = provider.call_log()
    assert source is not None
    row = {name: value for name, value in ROW.items() if name != "button"}
    day = datetime(2010, 1, 30, tzinfo=UTC)
    found = await source.search(Histories(row, {**row, "dursec": "7"}, row), day, day + timedelta(days=1))
    assert [(one.values.get("nth"), one.values["dursec"]) for one in found] == [(None, "61"), (1, "7")]
    first, second = (viviphone().read(source.request(one.values, NOW)).callbacks[0].call_id for one in found)
    assert [first, second] == [one.leg.call_id for one in found]
    assert first == record().call_id != second


# --- settings --------------------------------------------------------------------------------------------------------


def test_i45_viviphone_has_no_url_and_no_access_control() -> None:
    """A public address needs none for it; its settings are those of its API alone."""
    settings = Settings(apis={"viviphone": {"key": KEY, "buttons": [743345568]}})
    components = load_components(settings)
    assert "viviphone" not in access_policies(settings, components.providers)
    with pytest.raises(SettingsError, match=r"providers\.viviphone: it sends no callbacks; write \[apis\.viviphone\]"):
        make_providers(Settings(providers={"viviphone": {"path": "/x"}}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": KEY, "buttons": ["a b"]}, r"apis\.viviphone\.buttons\.0"),
        ({"key": KEY, "time_zone": "Mars"}, r"apis\.viviphone\.time_zone: 'Mars' is not a time zone"),
        ({"buttons": ["1"]}, r"apis\.viviphone\.key: it is missing"),
    ],
)
def test_wrong_settings_are_named(options: dict[str, Any], message: str) -> None:
    """With their place."""
    with pytest.raises(SettingsError, match=message):
        make_providers(Settings(apis={"viviphone": options}))


@pytest.mark.parametrize("buttons", [[], ["743345568"]])
def test_reconcile_every_needs_a_button(buttons: list[str]) -> None:
    """The API has no list of buttons, so without one there is no history to read."""
    settings = Settings(apis={"viviphone": {"key": KEY, "buttons": buttons}}, reconcile_every="1h")
    if buttons:
        assert load_components(settings)
        return
    with pytest.raises(SettingsError, match=r"\[apis\.viviphone\] with its `buttons`"):
        load_components(settings)
