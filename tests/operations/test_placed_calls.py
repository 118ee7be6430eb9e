"""Placed calls are noted in the journal, in the background."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from receiver.components import make_providers
from receiver.errors import ReceiverError
from receiver.operations.erasure import erase
from receiver.operations.gaps import Gap, find_gaps
from receiver.operations.phone_numbers import number_redactor
from receiver.operations.placed_calls import PlacedCallRecorder
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.api.placed import CallPlaced
from receiver.providers.spokn import SyncClient as SpoknClient
from receiver.providers.voicenter import Client, SyncClient
from receiver.settings import Settings
from storage import Database, journal
from storage.erasure import Place
from tests.api.examples_others import SPOKN_OK
from tests.api.examples_voicenter import ACCEPTED
from tests.storage.support import new_callback

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CALL_ID = "sdfsdfsdfsdfsdfsdfsdfsdfsdf0brp"


def gaps(database: Database, at: datetime = NOW) -> list[Gap]:
    """What a day shows."""
    with database.read_only() as connection:
        return find_gaps(connection, make_providers(Settings()), at - timedelta(days=1), at)


def clients(reply: bytes, on_placed: Callable[[CallPlaced], None] | None) -> ApiClients:
    """Clients whose provider gives that reply."""
    options = make_providers(
        Settings(providers={"voicenter": {"api": {"code": "x"}}, "spokn": {"api": {"user": "1", "password": "x"}}})
    )
    apis = {name: one.options.api for name, one in options.items() if one.options.api is not None}
    return ApiClients(apis, httpx.MockTransport(lambda _: httpx.Response(200, content=reply)), on_placed)


async def test_a_placed_call_is_a_gap_until_a_callback_has_its_id(database: Database) -> None:
    """It was noted with its id and its time, and without a number."""
    async with PlacedCallRecorder(database, lambda: NOW) as recorder, clients(ACCEPTED, recorder.note) as apis:
        placed = await apis.get(Client).click_to_call.call("0501234567", "0721234567")
    [gap] = gaps(database)
    assert (gap.call.call_id, gap.call.kinds, gap.call.last_at) == (placed.call_id, (), NOW)
    assert (gap.missing, gap.placed_by) == ("no callback", "click_to_call.call")
    cdr = new_callback(call_id=placed.call_id, received_at=NOW)
    await database.write(partial(journal.append, batch=[cdr]))
    assert gaps(database) == []


async def test_a_plain_handler_notes_its_calls_from_a_thread(database: Database) -> None:
    """Spokn's call by its token; one without a token cannot be told from others, so it is not noted."""

    def call(apis: ApiClients) -> None:
        client = apis.get(SpoknClient)
        client.click_to_call.call("+15550100", "+15550101", token="order-17")
        client.click_to_call.call("+15550100", "+15550101")

    async with PlacedCallRecorder(database, lambda: NOW) as recorder, clients(SPOKN_OK, recorder.note) as apis:
        await asyncio.to_thread(call, apis)
    assert [(gap.call.provider, gap.call.call_id) for gap in gaps(database)] == [("spokn", "order-17")]


async def test_only_what_places_a_call_is_noted() -> None:
    """A search places none, nor does the end of a call, nor a call that was refused."""
    noted: list[CallPlaced] = []
    async with clients(ACCEPTED, noted.append) as apis:
        client = apis.get(SyncClient)
        client.click_to_call.terminate("1234")
        assert noted == []
        client.click_to_call.message("1234")
        client.click_to_call.callference("1234")
    assert [one.placed_by for one in noted] == ["click_to_call.message", "click_to_call.callference"]
    async with clients(b'{"ERRORCODE": 3, "ERRORMESSAGE": "x", "CALLID": ""}', noted.append) as apis:
        with pytest.raises(ReceiverError):
            await apis.get(Client).click_to_call.call("0501234567", "0721234567")
    assert len(noted) == 2


async def test_a_journal_that_fails_makes_no_call_fail(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next call is noted again."""
    async with PlacedCallRecorder(database, lambda: NOW) as recorder, clients(ACCEPTED, recorder.note) as apis:
        rename(database, "placed_calls", "away")
        assert (await apis.get(Client).click_to_call.call("0501234567", "0721234567")).call_id == CALL_ID
        await recorder.aclose()
        assert "placed calls are not noted (1), so no gap will show them" in caplog.text
        rename(database, "away", "placed_calls")
        assert (await apis.get(Client).click_to_call.call("0501234567", "0721234567")).call_id == CALL_ID
    assert [gap.call.call_id for gap in gaps(database)] == [CALL_ID]


def rename(database: Database, table: str, name: str) -> None:
    """Rename a table."""
    with database.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


async def test_what_fails_while_a_call_is_noted_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The call was placed, so its result is returned."""

    def fail(_placed: CallPlaced) -> None:
        raise RuntimeError("the loop is closed")

    async with clients(ACCEPTED, fail) as apis:
        with caplog.at_level(logging.ERROR):
            assert apis.get(SyncClient).click_to_call.call("0501234567", "0721234567").call_id
    assert "the call that voicenter has placed could not be noted" in caplog.text


async def test_a_token_that_holds_a_number_is_erased(database: Database, tmp_path: Path) -> None:
    """In the note of the call as in its callbacks, so that they still belong together."""
    async with PlacedCallRecorder(database, lambda: NOW) as recorder:
        for token in ("for 050-1234567", "for 0501234567", "order-17"):
            recorder.note(CallPlaced("spokn", token, "click_to_call.call"))
    post = new_callback(provider="spokn", kind="STATUS", call_id="for 050-1234567", received_at=NOW, body=b"")
    await database.write(partial(journal.append, batch=[post]))
    erased = erase(database, number_redactor("+972501234567", "972"), tmp_path / "spool.db", lambda *_: None)
    assert erased.changed[Place.PLACED_CALLS] == 2
    assert [gap.call.call_id for gap in gaps(database)] == ["for **********", "order-17"]
