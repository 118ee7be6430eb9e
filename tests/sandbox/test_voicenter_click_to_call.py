"""Voicenter's click-to-call against the document: examples as printed, errors, limits, and the calls behind it."""

import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest

from tests.sandbox.playing import Playing, playing

PATH = "/voicenter/ForwardDialer/click2call.aspx"
URL_EXAMPLE = "phone=057XXXXXXX&target=03XXXXXXX&code=XXXXXXXXXXXX&action=call"
PHP_EXAMPLE = (
    b"code=XXXXXXXXXXXX&phone=AAPINFzL&phonecallerid=0500000000&target=0540000000\n"
    b"&targetcallerid=0540000000&record=true"
)
"""The PHP sample with its line break in the middle, and without the mandatory action (I-05)."""
ERROR_EXAMPLE = """<methodResponse>
  <params>
    <param>
      <value>
        <struct>
          <member>
            <name>ERRORCODE</name>
            <value><string>1</string></value>
          </member>
          <member>
            <name>ERRORMESSAGE</name>
            <value><string>Phone is missing</string></value>
          </member>
          <member>
            <name>CALLID</name>
            <value><string></string></value>
          </member>
        </struct>
      </value>
    </param>
  </params>
</methodResponse>
"""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def members(reply: httpx.Response) -> dict[str, str]:
    """An XML reply as the PHP sample reads it: name and string of each member."""
    root = ET.fromstring(reply.content)
    found = root.findall("params/param/value/struct/member")
    return {str(one.findtext("name")): one.findtext("value/string") or "" for one in found}


async def ask(play: Playing, **parameters: Any) -> dict[str, Any]:
    """A JSON reply to a request by GET."""
    given = {"phone": "0501111111", "target": "0540000000", "code": "x", "action": "call", "format": "JSON"}
    wanted = {name: value for name, value in {**given, **parameters}.items() if value is not None}
    reply = await play.client.get(PATH, params=wanted)
    found: dict[str, Any] = reply.json()
    return found


@pytest.mark.parametrize(
    "path", [PATH, PATH.replace("Forward", "forward"), PATH.upper().replace("/VOICE", "/voice", 1)]
)
async def test_i03_the_example_url_places_a_call_whatever_the_case_of_its_path(path: str) -> None:
    """The document spells the path in two ways; XML is the format of the reply unless another one is asked for."""
    async with playing() as play:
        path = path.replace("/voiceNTER", "/voicenter")
        reply = await play.client.get(f"{path}?{URL_EXAMPLE}")
        assert reply.status_code == 200
        found = members(reply)
        assert (found["ERRORCODE"], found["ERRORMESSAGE"], len(found["CALLID"])) == ("0", "OK", 32)


async def test_i05_the_php_sample_places_a_call_as_it_is_printed() -> None:
    """It names no action and has a line break between two parameters."""
    async with playing() as play:
        found = members(await play.client.post(PATH, content=PHP_EXAMPLE, headers=FORM))
        assert found["ERRORCODE"] == "0"
        await play.settle()
        first, second = play.json()
        assert (first["target"], first["caller"], first["ivruniqueid"]) == ("AAPINFzL", "0500000000", found["CALLID"])
        assert (second["target"], second["record"].startswith("https://")) == ("0540000000", True)


async def test_i06_a_json_reply_has_its_error_code_as_a_number() -> None:
    """As the JSON example has it; the XML example has a string."""
    async with playing() as play:
        found = await ask(play)
        assert (found["ERRORCODE"], found["ERRORMESSAGE"], len(found["CALLID"])) == (0, "OK", 32)


async def test_an_error_looks_as_the_xml_example() -> None:
    """Without its line numbers, byte for byte."""
    async with playing() as play:
        reply = await play.client.get(PATH, params={"code": "x", "action": "call"})
        assert reply.text == ERROR_EXAMPLE


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"phone": None}, "Phone is missing"),
        ({"target": None}, "Target is missing"),
        ({"code": None}, "Code is missing"),
        ({"action": "dance"}, "Action is invalid"),
        ({"phone": "+972501111111"}, "Phone is invalid"),
        ({"maxduration": "long"}, "Maxduration is invalid"),
        ({"record": "perhaps"}, "Record is invalid"),
        ({"phone": "logincode"}, "Phonelogincode is missing"),
        ({f"var_{number}": "x" for number in range(11)}, "There are more than 10 var_ parameters"),
    ],
)
async def test_error_1_is_invalid_request_parameters(parameters: dict[str, Any], message: str) -> None:
    """The message says which one; there is no call id."""
    async with playing() as play:
        assert await ask(play, **parameters) == {"ERRORCODE": 1, "ERRORMESSAGE": message, "CALLID": ""}
        assert play.sandbox.exchange.calls == []


async def test_an_unknown_format_is_refused_in_xml() -> None:
    """Which is the format where none is named."""
    async with playing() as play:
        reply = await play.client.get(PATH, params={"phone": "1234", "target": "1234", "code": "x", "format": "YAML"})
        assert members(reply)["ERRORMESSAGE"] == "Format is invalid"


async def test_error_2_is_an_extension_without_a_call_to_end() -> None:
    """The document has no other code for it."""
    async with playing() as play:
        assert (await ask(play, action="terminate", phone="AAPINFzL"))["ERRORCODE"] == 2


async def test_error_3_is_an_extension_that_is_offline() -> None:
    """If the request asks to check that."""
    async with playing() as play:
        assert (await ask(play, phone="OFFLINE1", checkphonedevicestate="true"))["ERRORCODE"] == 3
        assert (await ask(play, target="OFFLINE1", checktargetdevicestate="1"))["ERRORCODE"] == 3
        assert (await ask(play, phone="OFFLINE1"))["ERRORCODE"] == 0


async def test_error_4_is_an_extension_that_is_blocked() -> None:
    """Whatever the request asks."""
    async with playing() as play:
        assert (await ask(play, phone="BLOCKED1"))["ERRORCODE"] == 4


async def test_only_the_codes_of_the_settings_are_accepted_if_there_are_any() -> None:
    """Else any code is."""
    async with playing(providers={"voicenter": {"codes": ["mine"]}}) as play:
        assert (await ask(play, code="yours"))["ERRORMESSAGE"] == "Code is invalid"
        assert (await ask(play, code="mine"))["ERRORCODE"] == 0


async def test_both_legs_leave_a_cdr_with_the_returned_call_id_and_the_custom_data() -> None:
    """Leg 1 first; it is connected while leg 2 rings."""
    async with playing() as play:
        call_id = (await ask(play, var_customer="2342", record="true"))["CALLID"]
        await play.settle()
        first, second = play.json()
        assert [one["type"] for one in (first, second)] == ["Click2Call leg1", "Click2Call leg2"]
        assert {one["ivruniqueid"] for one in (first, second)} == {call_id}
        assert [one["CustomData"] for one in (first, second)] == [{"var_customer": "2342"}] * 2
        assert [(one["duration"], one["dialtime"]) for one in (first, second)] == [(66, 6), (60, 6)]
        assert second["time"] - first["time"] == 6
        assert [str(request.url) for request in play.received] == ["http://receiver/voicenter"] * 2


@pytest.mark.parametrize(
    ("phone", "target", "statuses"),
    [
        ("0501119901", "0540000000", ["BUSY", "NOTCALLED"]),
        ("0501119902", "0540000000", ["NOANSWER", "NOTCALLED"]),
        ("0501111111", "0540009901", ["ANSWER", "BUSY"]),
        ("0501111111", "0540009902", ["ANSWER", "NOANSWER"]),
        ("0501111111", "0540009903", ["ANSWER", "CANCEL"]),
        ("0501111111", "0540009904", ["ANSWER", "CHANUNAVAIL"]),
        ("0501111111", "0540009905", ["ANSWER", "CONGESTION"]),
    ],
)
async def test_the_end_of_a_number_decides_what_its_phone_does(phone: str, target: str, statuses: list[str]) -> None:
    """A leg 2 that was not reached is NOTCALLED (chapter 4)."""
    async with playing() as play:
        await ask(play, phone=phone, target=target)
        await play.settle()
        assert [one["status"] for one in play.json()] == statuses


async def test_i04_defaults_of_ringing_and_length_differ_between_the_actions() -> None:
    """A call rings for 60 s and lasts 2 h at most, a message and a callference 30 s."""
    async with playing(talk_seconds=10_000) as play:
        await ask(play)
        await ask(play, action="message", target=None)
        await ask(play, action="callference", target=None, phonemaxdialtime="5")
        await play.settle()
        found = {(one["type"], one["duration"], one["status"]) for one in play.json()}
        assert ("Click2Call leg2", 7200, "ANSWER") in found
        assert ("Click2Call leg1", 30, "ANSWER") in found
        assert ("Callference", 0, "NOANSWER") in found


async def test_terminate_ends_the_call_of_an_extension() -> None:
    """Its id comes back, and both legs are reported with the time that they had."""
    async with playing(speed=1) as play:
        placed = await ask(play, phone="AAPINFzL")
        ended = await ask(play, phone="aapinfzl", action="terminate")
        assert (ended["ERRORCODE"], ended["CALLID"]) == (0, placed["CALLID"])
        await play.settle()
        assert [one["status"] for one in play.json()] == ["CANCEL", "NOTCALLED"]


async def test_callbacks_come_in_the_format_of_the_settings() -> None:
    """XML-RPC has custom data as JSON in a string."""
    async with playing(providers={"voicenter": {"format": "xmlrpc"}}) as play:
        await ask(play, var_customer="2342")
        await play.settle()
        assert all(request.content.startswith(b"<?xml") for request in play.received)
        rows = (await play.client.get("/voicenter/hub/cdr/?code=x&fields=CustomData")).json()["CDR_LIST"]
        assert rows == [{"CustomData": {"var_customer": "2342"}}] * 2
