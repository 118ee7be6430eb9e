"""The sandbox's own pages and API, and the calls that are placed with it."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from receiver.providers.voicenter import SyncClient
from receiver.sandbox.discovery import discover
from receiver.sandbox.server import RunningSandbox
from tests.sandbox.playing import ACKNOWLEDGED, playing

MENU = (
    '{"STATUS": 0, "ACTION": "MENU", "LANGUAGE": "HE", "DATA": {"REC": "welcome", "LOOP": 1, "DELAY": 0, "SIZE": 1, '
    '"MENU": "main", "VALIDATION": 0}}'
)
CALL = (
    '{"STATUS": 0, "ACTION": "CALL", "LANGUAGE": "HE", "DATA": {"TARGET": "0540009901", "CALL_MAX_DIAL": 30, '
    '"CALL_MAX": 3600, "CALLERID": "0730000000", "CALLERNAME": "Office", "REC_STATUS": 0}}'
)


def ivr(request: httpx.Request) -> httpx.Response:
    """A receiver whose IVR has a menu of one key, which dials a number that is busy."""
    body = request.content
    text = ACKNOWLEDGED if b"GET_IVR_ACTION" not in body else CALL if b'"DTMF": "1"' in body else MENU
    if b"HANGUP_CALL" in body:
        text = '{"STATUS": 0}'
    return httpx.Response(200, text=text, headers={"Content-Type": "application/json"})


async def test_the_overview_lists_the_49_calls_of_the_documents() -> None:
    """Each with its address; and what can be asked of the sandbox."""
    async with playing() as play:
        page = (await play.client.get("/")).text
        names = [one.name for part in discover().values() for one in part.operations]
        assert len(names) == len(set(names)) == 49
        for name in names:
            assert re.search(rf" {re.escape(name)}$", page, re.MULTILINE), name
        for provider in ("anveo", "spokn", "viviphone", "voicenter"):
            assert f"http://sandbox/{provider}\n" in page
        assert "/sandbox/calls" in page


def test_no_part_of_the_sandbox_imports_a_client() -> None:
    """Else client and sandbox could share a mistake unnoticed."""
    root = Path(__file__).parents[2] / "receiver"
    sources = [
        *root.glob("sandbox/*.py"),
        *root.glob("providers/*/sandbox/*.py"),
        *root.glob("providers/base/sandbox*.py"),
    ]
    assert len(sources) > 25
    clients = re.compile(r"^\s*(from|import) receiver\.providers\.\w+\.api\b|\bSyncClient\b", re.MULTILINE)
    assert [source for source in sources if clients.search(source.read_text(encoding="utf-8"))] == []


async def test_an_ivr_call_asks_step_by_step_and_follows_the_replies() -> None:
    """Menu, key, dialling; then HANGUP_CALL and the CDR."""
    async with playing(ivr) as play:
        placed = (await play.client.post("/sandbox/calls", json={"did": "0730000000", "keys": "1"})).json()
        await play.settle()
        sent = play.json()
        assert [one.get("METHOD", "CDR") for one in sent] == ["GET_IVR_ACTION"] * 2 + ["HANGUP_CALL", "CDR"]
        assert (sent[1]["DATA"]["DTMF"], sent[1]["DATA"]["MENU"]) == ("1", "main")
        assert (sent[2]["DATA"]["CALL_STATUS"], sent[3]["status"]) == ("BUSY", "BUSY")
        assert {placed[0]["call_id"]} == {sent[2]["DATA"]["IVR_UNIQUE_ID"], sent[3]["ivruniqueid"]}
        call = (await play.client.get("/sandbox/calls/1")).json()
        assert (call["state"], call["faults"]) == ("ended", [])


async def test_click_to_call_can_reach_the_ivr() -> None:
    """Both legs are reported behind the hang-up, with one call id."""
    async with playing(ivr) as play:
        query = {"phone": "0501111111", "target": "972730000000", "code": "x", "action": "call", "format": "JSON"}
        reply = await play.client.get("/voicenter/ForwardDialer/click2call.aspx", params=query)
        await play.settle()
        sent = play.json()
        assert sent[0]["METHOD"] == "GET_IVR_ACTION"
        assert [one.get("METHOD") or one["type"] for one in sent[-3:]] == [
            "HANGUP_CALL",
            "Click2Call leg1",
            "Click2Call leg2",
        ]
        assert {one["ivruniqueid"] for one in sent[-2:]} == {reply.json()["CALLID"]}


async def test_scripted_actions_are_done_in_their_order() -> None:
    """A wait, a key, and a dialled side that answers in spite of its number."""
    async with playing(ivr) as play:
        body = {"did": "0730000000", "keys": ["wait", "1", "answer", "hangup"]}
        await play.client.post("/sandbox/calls", json=body)
        await play.settle()
        record = play.json()[-1]
        assert record["status"] == "ANSWER"
        assert record["duration"] < 60


async def test_replies_that_form_a_loop_end_the_call() -> None:
    """After so many actions."""
    loop = MENU.replace('"REC": "welcome"', '"REC": ""').replace('"SIZE": 1', '"SIZE": 0')
    async with playing(lambda _: httpx.Response(200, text=loop)) as play:
        await play.client.post("/sandbox/calls", json={"did": "0730000000", "keys": ["wait"] * 1000})
        await play.settle()
        assert play.json()[-1]["type"] == "Incoming Call"


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ({"did": "0730000001"}, ["Queue"]),
        ({"play": "queue"}, ["Queue"]),
        ({"did": "AAPINFzL"}, ["Incoming Call"]),
        ({"play": "record", "options": {"type": "Auto forward"}}, ["Auto forward"]),
        ({"play": "extension", "count": 2}, ["Incoming Call"] * 2),
        ({"play": "popup"}, ["POPUP"]),
        ({"play": "layer", "keys": "1"}, ["IVR_LAYER_INPUT", "Incoming Call"]),
    ],
)
async def test_incoming_calls_of_each_kind_leave_their_callbacks(body: dict[str, Any], kinds: list[str]) -> None:
    """The number decides where the request does not say."""
    async with playing() as play:
        assert (await play.client.post("/sandbox/calls", json=body)).status_code == 201
        await play.settle()
        assert [one.get("METHOD") or one.get("type") or "POPUP" for one in play.json()] == kinds


async def test_a_spokn_call_can_be_placed_too() -> None:
    """With a token of one's own."""
    async with playing() as play:
        body = {"provider": "spokn", "caller": "1234567", "options": {"token": "memo"}}
        await play.client.post("/sandbox/calls", json=body)
        await play.settle()
        assert [(one["leg"], one["token"]) for one in play.forms()] == [("1", "memo"), ("2", "memo")]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"provider": "vonage"}, "there is no provider 'vonage'; there are anveo, spokn, viviphone, voicenter"),
        ({"provider": "anveo"}, "Anveo has no incoming calls"),
        ({"provider": "viviphone"}, "there is no button yet; c2c.new makes one"),
        ({"play": "dance"}, "Voicenter has no call 'dance'; it has ivr, queue"),
        ({"play": "queue", "did": "0501234567"}, "no queue has the number '0501234567'"),
        ({"play": "record", "options": {"type": "Dance"}}, "'Dance' is not a call type"),
        ({"count": 0}, "count: write 1 or more"),
        ({"number": "1"}, "number: "),
        ([1], "the body is no JSON object"),
    ],
)
async def test_a_call_that_cannot_be_placed_is_refused_with_the_reason(body: Any, problem: str) -> None:
    """Status 422, and what there is instead."""
    async with playing() as play:
        reply = await play.client.post("/sandbox/calls", json=body)
        assert reply.status_code == 422
        assert problem in reply.json()["error"]


async def test_calls_are_listed_found_and_ended() -> None:
    """A number that no call has is not found."""
    async with playing(speed=1) as play:
        for did in ("AAPINFzL", "BBPINFzL"):
            await play.client.post("/sandbox/calls", json={"did": did})
        first, second = (await play.client.get("/sandbox/calls")).json()
        assert (first["number"], second["parties"]) == (1, ["0540000000", "BBPINFzL"])
        found = (await play.client.get("/sandbox/calls", params={"call_id": second["call_id"]})).json()
        assert [one["number"] for one in found] == [2]
        for number in (1, 2):
            assert (await play.client.delete(f"/sandbox/calls/{number}")).status_code == 200
        assert (await play.client.get("/sandbox/idle")).json()["live"] == 0
        assert [one["status"] for one in play.json()] == ["CANCEL", "CANCEL"]
        assert "GET /sandbox/calls" in (await play.client.get("/sandbox/calls/3")).json()["error"]


async def test_waiting_ends_when_its_time_is_over() -> None:
    """With status 504; the calls go on."""
    async with playing(speed=1) as play:
        await play.client.post("/sandbox/calls", json={"did": "AAPINFzL"})
        reply = await play.client.get("/sandbox/idle?timeout=0.01")
        assert (reply.status_code, reply.json()["idle"], reply.json()["live"]) == (504, False, 1)
        assert (await play.client.get("/sandbox/idle?timeout=soon")).status_code == 422


async def test_faults_of_callbacks_are_changed_while_it_runs() -> None:
    """What is not named stays."""
    async with playing(repeat=0.5) as play:
        state = (await play.client.put("/sandbox/callbacks", json={"drop": 1})).json()
        assert (state["faults"]["drop"], state["faults"]["repeat"]) == (1, 0.5)
        assert "drop: write 1 or less" in (await play.client.put("/sandbox/callbacks", json={"drop": 2})).text
        assert (await play.client.put("/sandbox/callbacks", content=b"{")).status_code == 422
        assert (await play.client.get("/sandbox")).json()["faults"]["drop"] == 1


async def test_a_phone_behaves_as_the_settings_say() -> None:
    """Whatever its number ends with."""
    numbers = {"0540009901": {"outcome": "answered", "ring_seconds": 3, "talk_seconds": 5}}
    async with playing(numbers=numbers) as play:
        query = "phone=0501111111&target=0540009901&code=x&action=call"
        await play.client.get(f"/voicenter/ForwardDialer/click2call.aspx?{query}")
        await play.settle()
        second = play.json()[1]
        assert (second["status"], second["dialtime"], second["duration"]) == ("ANSWER", 3, 5)


async def test_calls_begin_at_the_time_of_day_and_last_as_long_as_they_say() -> None:
    """Whatever the speed: the records of calls are never hours ahead."""
    async with playing() as play:
        before = int(play.sandbox.exchange.now().timestamp())
        for _ in range(3):
            await play.client.post("/sandbox/calls", json={"did": "AAPINFzL"})
            await play.settle()
        after = play.sandbox.exchange.now().timestamp()
        assert all(before <= one["time"] <= after for one in play.json())
        assert {one["duration"] for one in play.json()} == {60}


@pytest.mark.sandbox(drop=1, ring_seconds=1)
def test_the_fixture_takes_settings_from_its_marker(sandbox: RunningSandbox) -> None:
    """And rates; it can place calls and change what becomes of callbacks."""
    assert sandbox.settings.ring_seconds == 1
    assert {sandbox.voicenter, sandbox.spokn, sandbox.viviphone, sandbox.anveo} == {
        f"{sandbox.url}/{name}" for name in ("voicenter", "spokn", "viviphone", "anveo")
    }
    sandbox.set_callbacks(drop=0)
    [placed] = sandbox.call(did="AAPINFzL")
    assert sandbox.wait() == sandbox.calls == [placed]
    assert [one.result for one in placed.callbacks] == ["kept"]


@pytest.mark.sandbox(speed=1)
def test_the_fixture_says_that_calls_still_go_on(sandbox: RunningSandbox) -> None:
    """With what to do."""
    sandbox.call(did="AAPINFzL")
    with pytest.raises(TimeoutError, match="raise `speed`, or wait longer"):
        sandbox.wait(0.01)


def test_clients_may_use_the_sandboxs_own_address(sandbox: RunningSandbox) -> None:
    """The documents' paths are answered at the root as well: no two providers share one."""
    with SyncClient(code="sandbox", base_url=sandbox.url) as client:
        assert client.click_to_call.call(phone="0540000000", target="0501234567").call_id
    assert httpx.get(f"{sandbox.url}/api/c2c.xsd").headers["content-type"].startswith("text/xml")
    assert "ViviPhone" not in httpx.get(f"{sandbox.url}/api/", params={"method": "gen.hist.get"}).text
    assert httpx.get(f"{sandbox.url}/nothing").status_code == 404
