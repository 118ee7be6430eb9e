"""Voicenter's chapters 7, 8 and 10: active calls, callers in queues, extensions, and users' status."""

from typing import Any

import httpx
import pyjson5
import pytest

from tests.sandbox.playing import Playing, playing

API = "/voicenter/comet/API/"
LOGIN = "/voicenter/UserLogin/SetStatusFromAPI"


def bare(reply: httpx.Response) -> dict[str, Any]:
    """A reply whose keys have no quotes (I-25)."""
    assert '"ERR"' not in reply.text
    found: dict[str, Any] = pyjson5.decode(reply.text)
    return found


async def click(play: Playing, phone: str = "AAPINFzL", target: str = "0547777777") -> str:
    """A call that goes on; its id."""
    query = {"phone": phone, "target": target, "code": "x", "action": "call", "format": "JSON"}
    reply = await play.client.get("/voicenter/ForwardDialer/click2call.aspx", params=query)
    call_id: str = reply.json()["CALLID"]
    return call_id


async def test_i25_a_success_is_printed_without_quotes_around_its_keys() -> None:
    """Line by line as the example begins."""
    async with playing() as play:
        text = (await play.client.get(f"{API}GetExtensionsCalls?code=xxxxxxxxxx")).text
        assert text.startswith('{\n  ERR: 0,\n  DESC: "OK",\n  EXTENSIONS: [\n    {\n      name: "Walter Melon",')


@pytest.mark.parametrize("name", ["GetExtensionsCalls", "GetQueuesCallers", "GetExtensions"])
async def test_i25_an_error_has_quotes(name: str) -> None:
    """Error 1 is a code that is missing or not accepted."""
    async with playing(providers={"voicenter": {"codes": ["mine"]}}) as play:
        for query in ("", "?code=yours"):
            reply = await play.client.get(f"{API}{name}{query}")
            assert reply.json() == {"ERR": 1, "DESC": "Authorization failed."}
        reply = await play.client.get(f"{API}{name}?code=mine", headers={"X-Sandbox-Error": "2"})
        assert reply.json() == {"ERR": 2, "DESC": "Internal error."}


async def test_an_active_call_is_listed_at_its_extension() -> None:
    """While it rings and while people talk."""
    async with playing(speed=20, talk_seconds=10_000) as play:
        call_id = await click(play)
        found = bare(await play.client.get(f"{API}GetExtensionsCalls?code=x"))["EXTENSIONS"]
        [ringing] = found[0]["calls"]
        assert (ringing["callerphone"], ringing["ivrid"], ringing["direction"]) == ("0547777777", call_id, "Outgoing")
        assert (ringing["callstatus"], ringing["answered"], ringing["callanswered"]) == ("Ringing", 0, 0)
        assert found[1]["calls"] == []
        await play.until(lambda: play.sandbox.exchange.calls[0].answered_at)
        [talking] = bare(await play.client.get(f"{API}GetExtensionsCalls?code=x"))["EXTENSIONS"][0]["calls"]
        assert (talking["callstatus"], talking["answered"]) == ("Talking", 1)
        assert talking["callanswered"] - talking["callstarted"] == 12


async def test_a_caller_who_waits_is_listed_at_the_queue() -> None:
    """Until somebody answers, or the caller gives up: that is ABANDONE."""
    async with playing(speed=1) as play:
        await play.client.post("/sandbox/calls", json={"did": "0730000001", "caller": "0570000000"})
        [queue] = bare(await play.client.get(f"{API}GetQueuesCallers?code=x"))["QUEUES"]
        assert (queue["Name"], queue["ID"]) == ("Sales", 10035)
        [caller] = queue["Callers"]
        assert caller["Phone"] == "0570000000"
        assert caller["CallID"] == play.sandbox.exchange.calls[0].call.call_id
        await play.client.delete("/sandbox/calls/1")
        await play.settle()
        assert bare(await play.client.get(f"{API}GetQueuesCallers?code=x"))["QUEUES"][0]["Callers"] == []
        [record] = play.json()
        assert (record["type"], record["status"], record["queueid"]) == ("Queue", "ABANDONE", 10035)


async def test_i26_the_paths_may_have_any_case() -> None:
    """comet/API in one section is Comet/api in the other."""
    async with playing() as play:
        reply = await play.client.get("/voicenter/Comet/api/GetExtensions?code=XXXXXXXXXXXX&showAll=0")
        assert bare(reply)["ERR"] == 0


@pytest.mark.parametrize(("show_all", "accounts"), [("0", {1}), ("false", {1}), ("1", {1, 2}), ("true", {1, 2})])
async def test_i27_show_all_takes_a_number_and_a_word(show_all: str, accounts: set[int]) -> None:
    """The extensions of the first account, or of all."""
    async with playing() as play:
        query = {"code": "x", "showAll": show_all}
        for reply in (
            await play.client.get(f"{API}GetExtensions", params=query),
            await play.client.post(f"{API}GetExtensions", data=query),
            await play.client.post(f"{API}GetExtensions", json=query),
        ):
            found = bare(reply)["EXTENSIONS"]
            assert {one["AccountID"] for one in found} == accounts
            assert list(found[0]) == ["SIP", "Name", "SpeedDial", "AccountID", "AccountName"]


async def login(play: Playing, **fields: Any) -> tuple[int, str]:
    """Status and StatusError of a reply."""
    given = {"UserID": "12345", "Status": 1, "Code": "x", "ExtensionUser": "AAPINFzL"}
    body = {name: value for name, value in {**given, **fields}.items() if value is not None}
    reply = (await play.client.post(LOGIN, json=body)).json()
    assert list(reply) == ["Status", "StatusError", "StatusErrorMessage"]
    assert bool(reply["StatusErrorMessage"]) == (reply["Status"] != 1)
    return reply["Status"], reply["StatusError"]


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({}, (1, "0")),
        ({"UserID": None}, (3, "0")),
        ({"Status": None}, (3, "0")),
        ({"Code": None}, (3, "0")),
        ({"Code": "yours"}, (2, "0")),
        ({"ExtensionUser": None}, (5, "1")),
        ({"ExtensionUser": "ZZZ"}, (5, "7")),
        ({"Status": 2}, (5, "3")),
        ({"Status": 6}, (5, "6")),
    ],
)
async def test_a_status_is_set_or_refused(fields: dict[str, Any], result: tuple[int, str]) -> None:
    """StatusError is a string, 0 where there is none (I-29)."""
    async with playing(providers={"voicenter": {"codes": ["x"]}}) as play:
        assert await login(play, **fields) == result


async def test_an_extension_has_one_user_and_a_user_one_extension() -> None:
    """Status 4 says which of the two it is; a logout makes room."""
    async with playing() as play:
        assert await login(play) == (1, "0")
        extensions = bare(await play.client.get(f"{API}GetExtensionsCalls?code=x"))["EXTENSIONS"]
        assert extensions[0]["representative"] == "12345"
        assert await login(play, UserID="99999") == (4, "4")
        assert await login(play, ExtensionUser="BBPINFzL") == (4, "5")
        assert await login(play, Status=3) == (1, "0")
        assert await login(play, Status=2) == (1, "0")
        assert await login(play, UserID="99999") == (1, "0")


@pytest.mark.parametrize("code", [f"4.{n}" for n in range(1, 6)] + [f"5.{n}" for n in range(1, 9)])
async def test_every_error_of_a_login_can_be_had(code: str) -> None:
    """By a header, or as the user code."""
    async with playing() as play:
        reply = (await play.client.get(f"{LOGIN}?Code=sandbox-error-{code}")).json()
        assert f"{reply['Status']}.{reply['StatusError']}" == code
        assert reply["StatusErrorMessage"]
