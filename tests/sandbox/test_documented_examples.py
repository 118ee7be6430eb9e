"""Conformance: each documented example of a call, sent to the sandbox as bytes, is answered as the document shows.

The replies are read without our clients, so that the clients and the sandbox cannot share a mistake; then our clients
read them too.
"""

import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import httpx
import pyjson5
import pytest

from receiver.providers.voicenter.sandbox import VoicenterSandbox
from tests.api.support import Example, read
from tests.api.test_every_call import EXAMPLES, SHOWN
from tests.sandbox.playing import Playing, playing

RESULTS = ("ERRORCODE", "ERROR_NUMBER", "ErrorCode", "ERR", "Status", "code", "stat", "RESULT")
"""What says whether a call succeeded, by provider and call."""
FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "text/xml"
CAMPAIGN_CALL = b'{"Campaign": "%s", "Target": "%s", "CustomData": {"var_test1": 1, "var_tesy2": "some value"}}'
LOGGED = {"ivruniqueid": "c1", "type": "Incoming Call", "caller": "97272776772", "time": 1_431_590_462, "duration": 33}
"""A record of 2015-05-14 08:01:02, when the document searches."""


async def add_call(play: Playing, campaign: str, target: str = "0502454545") -> None:
    """A pending call of the dialer."""
    body = CAMPAIGN_CALL % (campaign.encode(), target.encode())
    assert (await play.client.post("/ForwardDialer/Dialer/AddCall", content=body)).json()["ErrorCode"] == 0


async def add_member(play: Playing, campaign: str, member: str) -> None:
    """A member of a campaign."""
    body = {"Campaign": campaign, "Member": member}
    assert (await play.client.post("/ForwardDialer/Dialer/AddMember", json=body)).json()["Data"] == {"TotalAdded": 1}


async def ring(play: Playing, /, **call: Any) -> None:
    """A call that goes on, or that is over at once, as the speed says."""
    assert (await play.client.post("/sandbox/calls", json=call)).status_code == 201


async def new_button(play: Playing) -> None:
    """The button of the examples: the first one of a sandbox has the document's own id."""
    body = b"method=c2c.new&key=hg73jkd8fks82sgl&dest1_num=2125551234&pin=5432"
    assert b"743345568" in (await play.client.post("/api/", content=body, headers={"Content-Type": FORM})).content


async def past_call(play: Playing) -> None:
    """A button with a call in its history."""
    await new_button(play)
    await ring(play, provider="viviphone", caller="2125551234", options={"caller_name": "Ann"})
    await play.settle()


async def logged(play: Playing) -> None:
    """A row of the call log that the example finds."""
    part = play.sandbox.parts["voicenter"]
    assert isinstance(part, VoicenterSandbox)
    part.line.log.records.append(LOGGED)


Prepare = Callable[[Playing], Awaitable[None]]
STATES: Mapping[tuple[str, str], Prepare] = {
    ("voicenter", "click_to_call.terminate"): lambda play: ring(play, play="extension", did="AAPINFzL"),
    ("voicenter", "calls.search"): logged,
    ("voicenter", "dialer.get_campaigns"): lambda play: add_call(play, "Campaign 1"),
    ("voicenter", "dialer.get_members"): lambda play: add_member(play, "adsdasdasd", "AAPINFzL"),
    ("voicenter", "dialer.remove_member"): lambda play: add_member(play, "adsdasdasd", "adsdasdasd"),
    ("voicenter", "dialer.get_pending_calls"): lambda play: add_call(play, "x" * 24),
    ("voicenter", "active_calls.extensions"): lambda play: ring(play, play="extension", did="AAPINFzL"),
    ("voicenter", "active_calls.queues"): lambda play: ring(play, did="0730000001"),
    ("viviphone", "history.get"): past_call,
}
"""What an example needs, beside those whose request says it; by provider and call."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "users.set_status": {"providers": {"voicenter": {"extensions": [{"sip": "SIP1"}]}}},
    "click_to_call.terminate": {"speed": 1},
    "active_calls.extensions": {"speed": 1},
    "active_calls.queues": {"speed": 1},
}
"""Extensions of the sandbox, and calls that go on."""


async def prepare(play: Playing, example: Example) -> None:
    """The state in which the document's request makes sense."""
    key = (example.provider, example.title)
    if key in STATES:
        await STATES[key](play)
    elif example.title in ("dialer.remove_call", "dialer.update_call"):
        await add_call(play, example.given["campaign"], example.given["target"])
    elif example.provider == "viviphone" and example.title != "buttons.create":
        await new_button(play)


async def ask(play: Playing, example: Example) -> httpx.Response:
    """The request of an example: the document's method and path, and the printed query or body as bytes."""
    method, url, content = example.sent
    path = "/anveo" if example.provider == "anveo" else httpx.URL(url).path  # Anveo's document has no address
    if method == "GET":
        return await play.client.get(f"{path}?{content}".rstrip("?"))
    kind = {"{": JSON, "[": JSON, "<": XML}.get(content[0], FORM)
    auth = httpx.BasicAuth("1234567", "secret") if example.provider == "spokn" else httpx.USE_CLIENT_DEFAULT
    return await play.client.post(path, content=content.encode(), headers={"Content-Type": kind}, auth=auth)


def values(body: bytes) -> dict[str, str]:
    """The values of a reply by their names, wherever they are in it."""
    if not body.lstrip().startswith(b"<"):
        return dict(_in_json(pyjson5.decode(body.decode())))
    ended = body if b"</resp>" in body or b"<resp" not in body else body + b"</id></resp>"  # the print ends too soon
    root = ET.fromstring(ended.replace(b"</id></id>", b"</id>"))
    if root.tag == "methodResponse":
        return {member[0].text or "": "".join(member[1].itertext()) for member in root.iter("member")}
    return dict(_in_xml(root))


def _in_json(value: Any) -> Iterator[tuple[str, str]]:
    for item in value if isinstance(value, list) else []:
        yield from _in_json(item)
    for name, item in value.items() if isinstance(value, dict) else []:
        yield name, str(item)
        yield from _in_json(item)


def _in_xml(root: ET.Element) -> Iterator[tuple[str, str]]:
    yield from root.attrib.items()
    for one in root.iterfind(".//*"):
        if not len(one):
            yield one.tag.rpartition("}")[2], one.text or ""


@pytest.mark.parametrize("example", SHOWN)
async def test_each_documented_example_is_answered_as_documented(example: Example) -> None:
    """It succeeds as the document's reply does, and has each name that the document's reply has."""
    async with playing(**SETTINGS.get(example.title, {})) as play:
        await prepare(play, example)
        reply = await ask(play, example)
        await play.client.delete("/sandbox/calls/1")
    assert reply.status_code == 200
    shown, found = values(example.reply), values(reply.content)
    assert {name: found.get(name) for name in RESULTS if name in shown} == {
        name: shown[name] for name in RESULTS if name in shown
    }, reply.text
    assert shown.keys() - found.keys() == set(), reply.text
    assert read(example.provider, example.title, reply.content).unread == ()


def test_every_documented_example_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """None is left out; the count is printed. Each has something that says whether it succeeded, but for the schema."""
    with capsys.disabled():
        print(f"\n{len(SHOWN)} documented examples are sent to the sandbox")
    assert len(SHOWN) == len(EXAMPLES) == 53
    silent = [example.title for example in EXAMPLES if not set(RESULTS) & values(example.reply).keys()]
    assert silent == ["schema.download"]
