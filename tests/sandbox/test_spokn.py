"""Spokn's API against its document: examples, limits, errors, the schema, and the two posts."""

import base64
from importlib.resources import files
from typing import Any

import httpx
import pytest
import xmlschema

from receiver.providers.spokn.sandbox.api import MESSAGES
from tests.sandbox.playing import Playing, playing

PATH, SCHEMA = "/spokn/c2c/1.0/call", "/spokn/api/c2c.xsd"
AUTH = ("1234567", "secret")
EXAMPLE = """<?xml version="1.0"?>
<spokn xmlns="http://api.spokn.com/api/c2c.xsd">
  <c2c version="1.0">
    <code>200</code>
    <desc>Request Successful</desc>
  </c2c>
</spokn>
"""
FORM = "application/x-www-form-urlencoded"


async def call(play: Playing, **fields: Any) -> httpx.Response:
    """A request with the numbers of the document's examples."""
    given = {"aparty": "+18474255380", "bparty": "+18474255381"}
    wanted = {name: value for name, value in {**given, **fields}.items() if value is not None}
    return await play.client.post(PATH, data=wanted, auth=AUTH)


async def code_of(play: Playing, reply: httpx.Response) -> int:
    """The return code of a reply, which the schema must allow."""
    schema = xmlschema.XMLSchema((await play.client.get(SCHEMA)).text)
    schema.validate(reply.text)
    values: Any = schema.to_dict(reply.text)
    found: int = values["c2c"]["code"]
    return found


async def test_a_success_is_the_example_byte_for_byte() -> None:
    """G-05: a plus that is not escaped is a blank, and put back."""
    async with playing() as play:
        body = b"aparty=+18474255380&bparty=1234567"
        reply = await play.client.post(PATH, content=body, auth=AUTH, headers={"Content-Type": FORM})
        assert (reply.status_code, reply.text) == (200, EXAMPLE)
        await play.settle()
        assert [one["aparty"] for one in play.forms()] == ["+18474255380"] * 2


async def test_g16_the_schema_allows_the_example_and_refuses_what_the_text_does_not_have() -> None:
    """It is written from the document's text."""
    async with playing() as play:
        text = (await play.client.get(SCHEMA)).text
        schema = xmlschema.XMLSchema(text)
        schema.validate(EXAMPLE)
        for wrong in (
            EXAMPLE.replace("<code>200</code>", "<code>110</code>"),
            EXAMPLE.replace(' version="1.0">', ">"),
            EXAMPLE.replace("<desc>Request Successful</desc>", ""),
            EXAMPLE.replace("c2c.xsd", "other.xsd"),
        ):
            assert not schema.is_valid(wrong)
        assert files("receiver.providers.spokn.sandbox").joinpath("c2c.xsd").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"aparty": None}, 102),
        ({"bparty": None}, 102),
        ({"aparty": "front desk"}, 103),
        ({"bparty": "+1847"}, 200),
        ({"bparty": "+18a"}, 104),
        ({"aparty": "+99912345"}, 106),
        ({"bparty": "+99912345"}, 107),
        ({"token": "x" * 128}, 200),
        ({"token": "x" * 129}, 109),
        ({"duration": "60"}, 200),
        ({"duration": "61"}, 102),
        ({"duration": "0"}, 102),
        ({"maxretries": "3"}, 200),
        ({"maxretries": "4"}, 102),
        ({"retrytime": "10"}, 200),
        ({"retrytime": "11"}, 102),
        ({"url": "ftp://enterprise-server/callbackurl"}, 102),
        ({"apartycid": "1234567"}, 102),
        ({"apartycid": "1234567", "aparty": "7654321"}, 200),
        ({"bpartycid": "+15145550000"}, 200),
    ],
)
async def test_parameters_are_checked_against_the_limits(fields: dict[str, Any], code: int) -> None:
    """G-15: 102 to 109 come with HTTP status 200."""
    async with playing() as play:
        reply = await call(play, **fields)
        assert reply.status_code == 200
        assert await code_of(play, reply) == code
        assert bool(play.sandbox.exchange.calls) == (code == 200)


@pytest.mark.parametrize("name", ["url", "apartycid", "bpartycid"])
async def test_only_enterprise_users_set_the_callback_url_and_caller_ids(name: str) -> None:
    """The settings say whether users are."""
    async with playing(providers={"spokn": {"is_enterprise": False}}) as play:
        value = "http://enterprise-server/callbackurl" if name == "url" else "+15145550000"
        assert await code_of(play, await call(play, **{name: value})) == 102


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer abc", "Basic " + base64.b64encode(b"x").decode()])
async def test_code_101_comes_with_http_401(header: str) -> None:
    """And asks for a user and a password."""
    async with playing() as play:
        fields = {"aparty": "1234567", "bparty": "1234567"}
        reply = await play.client.post(PATH, data=fields, headers={"Authorization": header} if header else {})
        assert (reply.status_code, await code_of(play, reply)) == (401, 101)
        assert reply.headers["www-authenticate"].startswith("Basic")


async def test_only_the_users_of_the_settings_are_accepted_if_there_are_any() -> None:
    """With their passwords."""
    async with playing(providers={"spokn": {"users": {"1234567": "secret"}}}) as play:
        assert (await call(play)).status_code == 200
        reply = await play.client.post(PATH, data={"aparty": "1", "bparty": "2"}, auth=("1234567", "wrong"))
        assert reply.status_code == 401


async def test_code_100_comes_with_http_404() -> None:
    """For a path, and for a method that the path does not take."""
    async with playing() as play:
        for reply in (await play.client.post("/spokn/c2c/2.0/call", auth=AUTH), await play.client.get(PATH, auth=AUTH)):
            assert (reply.status_code, await code_of(play, reply)) == (404, 100)


async def test_another_content_type_gets_http_415() -> None:
    """The document has no return code for it."""
    async with playing() as play:
        reply = await play.client.post(PATH, json={"aparty": "1234567", "bparty": "1234567"}, auth=AUTH)
        assert reply.status_code == 415
        reply = await play.client.post(
            PATH, content="aparty=1234&bparty=1234", auth=AUTH, headers={"Content-Type": f"{FORM}; charset=utf-8"}
        )
        assert reply.status_code == 200


async def test_http_500_can_be_asked_for() -> None:
    """Something went wrong in the server."""
    async with playing() as play:
        reply = await play.client.post(PATH, auth=("sandbox-status-500", "x"), data={"aparty": "1234"})
        assert reply.status_code == 500


@pytest.mark.parametrize("code", sorted(MESSAGES))
async def test_every_return_code_can_be_had(code: str) -> None:
    """As the user's name."""
    async with playing() as play:
        reply = await play.client.post(PATH, auth=(f"sandbox-error-{code}", "x"), data={"aparty": "1234"})
        assert await code_of(play, reply) == int(code)
        assert MESSAGES[code] in reply.text


async def test_both_legs_are_posted_to_the_url_with_the_token_leg_1_first() -> None:
    """Each parameter of the document's table, as a form."""
    async with playing() as play:
        await call(play, token="order 17 & more", url="http://enterprise-server/callbackurl")
        await play.settle()
        assert {str(request.url) for request in play.received} == {"http://enterprise-server/callbackurl"}
        assert {request.headers["content-type"] for request in play.received} == {FORM}
        first, second = play.forms()
        assert (first["leg"], second["leg"]) == ("1", "2")
        for post in (first, second):
            assert post["token"] == "order 17 & more"
            assert (post["userid"], post["aparty"], post["bparty"]) == ("1234567", "+18474255380", "+18474255381")
            assert (post["status"], post["duration"]) == ("0", "60")
            assert {"start", "rate", "cost"} <= post.keys()


async def test_without_a_url_the_receiver_gets_the_posts() -> None:
    """As if its address were the account's."""
    async with playing() as play:
        await call(play)
        await play.settle()
        assert [str(request.url) for request in play.received] == ["http://receiver/spokn"] * 2


@pytest.mark.parametrize(
    ("aparty", "bparty", "statuses"),
    [
        ("+18474259901", "+18474255381", ["1"]),
        ("+18474259902", "+18474255381", ["2"]),
        ("+18474259905", "+18474255381", ["5"]),
        ("+18474255380", "+18474259901", ["0", "1"]),
        ("+18474255380", "+18474259904", ["0", "3"]),
    ],
)
async def test_g03_a_leg_that_was_dialled_is_posted(aparty: str, bparty: str, statuses: list[str]) -> None:
    """Leg 2 is not dialled if leg 1 fails."""
    async with playing() as play:
        await call(play, aparty=aparty, bparty=bparty)
        await play.settle()
        assert [one["status"] for one in play.forms()] == statuses


async def test_the_first_leg_is_dialled_again_if_it_is_busy() -> None:
    """`maxretries` times, `retrytime` seconds apart; the call is over later by that."""
    async with playing() as play:
        await call(play, aparty="+18474259901", maxretries="2", retrytime="10")
        await call(play, aparty="+18474259901")
        await play.settle()
        retried, once = (placed.plan.clock.now() - placed.began for placed in play.sandbox.exchange.calls)
        assert (retried - once).total_seconds() == 2 * (10 + 6)
        assert [one["status"] for one in play.forms()] == ["1", "1"]


async def test_g06_duration_limits_the_talk_in_minutes() -> None:
    """The post tells seconds."""
    async with playing(talk_seconds=10_000) as play:
        await call(play, duration="2")
        await call(play)
        await play.settle()
        assert sorted(int(one["duration"]) for one in play.forms()) == [120, 120, 3600, 3600]
