"""API calls that go wrong on purpose, and callbacks that are lost, repeated, late or overtaken."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import SettingsError
from receiver.providers.base.sandbox_request import ApiRequest
from receiver.sandbox import CallbackFaults, FaultRule, Sandbox, SandboxSettings, load_settings
from receiver.sandbox.api_faults import ApiFaults
from receiver.sandbox.callbacks import FAULTS, fault_of
from receiver.sandbox.server import RunningSandbox
from tests.sandbox.playing import Playing, acknowledge, playing

CLICK = "/voicenter/ForwardDialer/click2call.aspx?target=0540000000&code=x&action=call&format=JSON"
rates = st.floats(min_value=0, max_value=1)
SEEDS = st.integers(min_value=-(2**63), max_value=2**63)


@given(SEEDS, st.builds(CallbackFaults, **dict.fromkeys(FAULTS, rates)))
def test_a_seed_gives_the_same_faults_each_time(seed: int, faults: CallbackFaults) -> None:
    """In any order and at any rates; what the first fault hits does not depend on the rates of the others."""
    places = [(call, index) for call in range(1, 20) for index in range(3)]
    first = [fault_of(faults, seed, *place) for place in places]
    assert first == [fault_of(faults, seed, *place) for place in reversed(places)][::-1]
    more = faults.model_copy(update={"drop": 1.0})
    assert {fault_of(more, seed, *place) for place in places} == {"drop"}
    lost = [fault == "drop" for fault in first]
    without = faults.model_copy(update={"repeat": 0.0, "late": 0.0, "reorder": 0.0})
    assert lost == [fault_of(without, seed, *place) == "drop" for place in places]


def test_a_rate_is_the_share_that_is_hit() -> None:
    """And another seed hits others."""
    faults = CallbackFaults(drop=0.2, repeat=0.05)
    found = [Counter(fault_of(faults, seed, call, 0) for call in range(10_000)) for seed in (1, 2)]
    for one in found:
        assert 0.18 < one["drop"] / 10_000 < 0.22
        assert 0.03 < one["repeat"] / 10_000 < 0.05  # of those that are not lost
    assert found[0] != found[1]


@given(SEEDS, rates)
def test_a_rule_with_a_rate_hits_the_same_calls_for_a_seed(seed: int, rate: float) -> None:
    """As callbacks do."""
    request = ApiRequest("GET", "/hub/cdr/")
    first, second = (ApiFaults([FaultRule(error="1", rate=rate)], seed) for _ in range(2))
    for _ in range(20):
        assert first.of("voicenter", "call_log", request) == second.of("voicenter", "call_log", request)


async def place(play: Playing, count: int, **headers: str) -> None:
    """Some calls that are over."""
    for number in range(count):
        reply = await play.client.get(f"{CLICK}&phone=05011{number:05}", headers=headers)
        assert reply.json()["ERRORCODE"] == 0
    await play.settle()


def results(play: Playing) -> list[list[str]]:
    """What became of each call's reports."""
    return [[one.result for one in placed.callbacks] for placed in play.sandbox.exchange.calls]


async def test_dropped_callbacks_are_in_the_call_log_all_the_same() -> None:
    """It has every call."""
    async with playing(drop=0.5) as play:
        await place(play, 20)
        found = Counter(result for one in results(play) for result in one)
        assert found["dropped"] + found["sent"] == 40
        assert len(play.received) == found["sent"] < 40
        log = (await play.client.get("/voicenter/hub/cdr/?code=x&fields=CallID")).json()["CDR_LIST"]
        assert Counter(row["CallID"] for row in log) == {
            placed.call.call_id: 2 for placed in play.sandbox.exchange.calls
        }


async def test_two_sandboxes_with_one_seed_lose_the_same_callbacks() -> None:
    """Of calls that are placed in the same order. Their call ids differ all the same."""
    async with playing(drop=0.3, repeat=0.3, seed=7) as one, playing(drop=0.3, repeat=0.3, seed=7) as two:
        await place(one, 20)
        await place(two, 20)
        assert results(one) == results(two)
        ids = [{placed.call.call_id for placed in play.sandbox.exchange.calls} for play in (one, two)]
        assert len(ids[0]) == 20
        assert not ids[0] & ids[1]


async def test_a_repeated_callback_comes_twice_with_the_same_bytes() -> None:
    """One after the other."""
    async with playing(repeat=1) as play:
        await place(play, 1)
        bodies = [request.content for request in play.received]
        assert len(bodies) == 4
        assert (bodies[0], bodies[2]) == (bodies[1], bodies[3])


async def test_a_late_callback_comes_after_its_time() -> None:
    """The sandbox is not idle before."""
    async with playing(late=1, speed=100) as play:
        await place(play, 1)
        assert len(play.received) == 2
        assert results(play) == [["late", "late"]]


async def test_a_reordered_callback_comes_after_the_next_one() -> None:
    """Here leg 2 of the same call overtakes leg 1."""
    seed = next(
        seed
        for seed in range(100)
        if [fault_of(CallbackFaults(reorder=0.5), seed, 1, index) for index in range(2)] == ["reorder", ""]
    )
    async with playing(reorder=0.5, seed=seed) as play:
        await place(play, 1)
        assert [one["type"] for one in play.json()] == ["Click2Call leg2", "Click2Call leg1"]


async def test_a_reordered_callback_without_a_next_one_comes_late() -> None:
    """It is not lost."""
    async with playing(reorder=1) as play:
        await place(play, 1)
        assert len(play.received) == 2


async def test_a_question_is_never_lost() -> None:
    """A caller waits for the reply."""
    async with playing(drop=1) as play:
        await play.client.post("/sandbox/calls", json={"did": "0730000000"})
        await play.settle()
        assert {one["METHOD"] for one in play.json()} == {"GET_IVR_ACTION"}


async def test_a_request_can_decide_over_the_callbacks_of_its_call() -> None:
    """By a header or a magic value."""
    async with playing() as play:
        await place(play, 1, **{"X-Sandbox-Callbacks": "drop"})
        await play.client.get(CLICK.replace("code=x", "code=sandbox-callbacks-repeat") + "&phone=0501111111")
        await play.settle()
        assert results(play) == [["dropped"] * 2, ["repeated"] * 2]


async def test_a_receiver_that_is_away_loses_a_callback_and_the_call_goes_on() -> None:
    """Unless the settings say to try again."""

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nothing listens", request=request)

    async with playing(away) as play:
        await place(play, 1)
        assert results(play) == [["undelivered"] * 2]
    answers = iter([httpx.Response(503), acknowledge(httpx.Request("POST", "/"))] * 2)
    async with playing(lambda _: next(answers), callbacks={"retries": 1}) as play:
        await place(play, 1)
        assert [one.status for one in play.sandbox.exchange.calls[0].callbacks] == [200, 200]
        assert len(play.received) == 4


async def test_what_the_receiver_does_not_take_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong address, or a secret that is missing: what is lost then was not lost on purpose."""
    async with playing(lambda _: httpx.Response(404)) as play:
        await place(play, 2)
        assert results(play) == [["refused"] * 2] * 2
        assert "the HTTP status is 404, not 200 (A-06)" in play.sandbox.exchange.calls[0].faults
        assert (await play.client.get("/sandbox")).json()["callbacks"] == {"refused": 4}
    [warning] = [record.message for record in caplog.records if record.name == "receiver.sandbox.callbacks"]
    assert "HTTP status 404" in warning
    assert "--receiver" in warning


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "localhost", "http:///voicenter"])
def test_what_is_no_address_of_a_receiver_is_refused_with_an_example(address: str) -> None:
    """In words, without the pattern that it must match."""
    with pytest.raises(SettingsError, match="receiver: write an address such as http://127"):
        load_settings(receiver=address)


async def test_replies_that_the_provider_would_not_understand_are_faults_of_the_call() -> None:
    """They are shown with the call."""
    async with playing(lambda _: httpx.Response(200, text="thanks")) as play:
        await place(play, 1)
        assert len(play.sandbox.exchange.calls[0].faults) == 2
    async with playing(drop=1) as play:
        await place(play, 1)
        assert play.sandbox.exchange.calls[0].faults == ()


async def test_without_a_receiver_callbacks_are_kept() -> None:
    """They can be looked at, and go nowhere."""
    async with playing(receiver="") as play:
        await place(play, 1)
        assert results(play) == [["kept", "kept"]]
        assert play.received == []


# --- API calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["header", "magic value", "rule"])
async def test_an_error_can_be_had_in_three_ways(where: str) -> None:
    """By a header, by a magic value, by a rule of the settings; no call is placed."""
    rules = [{"provider": "voicenter", "call": "click2call.call", "error": 3}] if where == "rule" else []
    url = CLICK.replace("code=x", "code=sandbox-error-3") if where == "magic value" else CLICK
    headers = {"X-Sandbox-Error": "3"} if where == "header" else {}
    async with playing(fault=rules) as play:
        reply = await play.client.get(f"{url}&phone=0501111111", headers=headers)
        expected = {"ERRORCODE": 3, "ERRORMESSAGE": "Extension representative offline", "CALLID": ""}
        assert reply.json() == expected
        assert play.sandbox.exchange.calls == []


async def test_a_rule_hits_only_its_own_calls_and_as_often_as_it_may() -> None:
    """Others are answered as ever."""
    rule = {"provider": "voicenter", "call": "call_log", "status": 503, "times": 2}
    async with playing(fault=[rule]) as play:
        statuses = [(await play.client.get("/voicenter/hub/cdr/?code=x")).status_code for _ in range(3)]
        assert statuses == [503, 503, 200]
        assert (await play.client.get("/spokn/api/c2c.xsd")).status_code == 200


@pytest.mark.parametrize(
    ("how", "begins"), [("broken", '{\n  "ERROR_NUMBER"'), ("empty", ""), ("html", "<html><head><title>Service")]
)
async def test_a_reply_can_be_corrupted(how: str, begins: str) -> None:
    """It has HTTP status 200, and is no JSON."""
    async with playing() as play:
        reply = await play.client.get("/voicenter/hub/cdr/?code=x", headers={"X-Sandbox-Reply": how})
        assert reply.status_code == 200
        assert reply.text.startswith(begins)
        with pytest.raises(ValueError):
            json.loads(reply.content)


@pytest.mark.sandbox(speed=1)
def test_a_reply_can_be_cut_off_with_its_connection(sandbox: RunningSandbox) -> None:
    """As when a server dies."""
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{sandbox.voicenter}/hub/cdr/?code=sandbox-reply-cut")


def test_a_reply_can_be_slow(sandbox: RunningSandbox) -> None:
    """So that a client's own time limit ends it."""
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{sandbox.voicenter}/hub/cdr/?code=sandbox-delay-60", timeout=0.2)


async def test_what_is_asked_for_wrongly_is_left_out() -> None:
    """A sandbox does not refuse to answer."""
    async with playing() as play:
        headers = {"X-Sandbox-Delay": "soon", "X-Sandbox-Status": "teapot", "X-Sandbox-Reply": "nicer"}
        assert (await play.client.get("/voicenter/hub/cdr/?code=x", headers=headers)).json()["ERROR_NUMBER"] == 0


async def test_a_body_that_is_too_long_is_refused() -> None:
    """Before it is read to its end."""
    async with playing() as play:
        assert (await play.client.post("/anveo", content=b"x" * (5 * 1024 * 1024))).status_code == 413


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sped = 1", "sped: the sandbox has no such setting"),
        ("speed = 0", "speed: write a number above 0"),
        ("[callbacks]\ndrop = 2", "callbacks.drop: write 1 or less"),
        ("[[fault]]\nreply = 'nice'", "fault.0.reply: write"),
        ("speed = ", "is no TOML"),
    ],
)
def test_a_mistake_in_the_settings_file_is_named(text: str, problem: str, tmp_path: Path) -> None:
    """With what to write."""
    file = tmp_path / "sandbox.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=problem):
        load_settings(file)


def test_a_settings_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(SettingsError, match="--settings names another file"):
        load_settings(tmp_path / "none.toml")


def test_options_count_before_the_file(tmp_path: Path) -> None:
    """One rate does not undo the others of its table."""
    file = tmp_path / "sandbox.toml"
    file.write_text("speed = 5\n[callbacks]\ndrop = 0.5\nrepeat = 0.5", encoding="utf-8")
    settings = load_settings(file, speed=7.0, drop=0.1, seed=None)
    assert (settings.speed, settings.seed) == (7.0, 1)
    assert (settings.callbacks.drop, settings.callbacks.repeat) == (0.1, 0.5)


@pytest.mark.parametrize(
    ("providers", "problem"),
    [
        ({"vonage": {}}, "providers.vonage: there is no such provider; there are anveo, spokn, viviphone, voicenter"),
        ({"voicenter": {"time_zone": "Moon"}}, "providers.voicenter.time_zone: 'Moon' is no time zone"),
        ({"spokn": {"user": {}}}, "providers.spokn.user: the sandbox has no such setting"),
    ],
)
def test_a_mistake_in_a_providers_settings_is_named(providers: dict[str, dict[str, Any]], problem: str) -> None:
    """Before anything listens."""
    with pytest.raises(SettingsError, match=problem):
        Sandbox(SandboxSettings(providers=providers))
