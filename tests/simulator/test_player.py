"""The player: what a caller does, sent to something that replies."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import Callee, CalleeOutcome, CallSetup, CallState, OutgoingRequest
from receiver.providers.spokn.simulation import ClickToCall
from receiver.providers.voicenter.simulation import IvrCall
from receiver.simulator import HttpSender, Player, RealClock, VirtualClock
from receiver.wire import Format

MENU = {"REC": "welcome", "LOOP": 1, "DELAY": 0, "SIZE": 1, "MENU": "main", "VALIDATION": 0}
ACKNOWLEDGED = {"STATUS": 0, "err": "0", "errdesc": "OK"}


def menu(**fields: Any) -> dict[str, Any]:
    """A reply with a menu."""
    return {"STATUS": 0, "ACTION": "MENU", "LANGUAGE": "HE", "DATA": {**MENU, **fields}}


def replying(*replies: dict[str, Any]) -> Callable[[OutgoingRequest], Any]:
    """A receiver that gives these replies to questions, the last one from then on, and acknowledges reports."""
    left = list(replies)

    async def send(request: OutgoingRequest) -> HttpReply:
        values = ACKNOWLEDGED
        if request.asks:
            values = left.pop(0) if len(left) > 1 else left[0]
        return HttpReply(json.dumps(values).encode(), "application/json")

    return send


def ivr(send: Callable[[OutgoingRequest], Any]) -> tuple[IvrCall, Player, VirtualClock]:
    """A call to an IVR on a clock that takes no time."""
    clock = VirtualClock(datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    call = IvrCall(CallSetup(format=Format.JSON, now=clock.now))
    return call, Player(call, send, clock), clock


@pytest.mark.anyio
async def test_a_call_is_played_to_its_reports() -> None:
    """Keys, waits and hanging up lead to the provider's requests, and time passes on the clock alone."""
    dial = {"TARGET": "1", "CALLERID": "", "CALLERNAME": "", "CALL_MAX_DIAL": 30, "CALL_MAX": 600, "REC_STATUS": 0}
    call_reply = {"STATUS": 0, "ACTION": "CALL", "LANGUAGE": "HE", "DATA": dial}
    call, player, clock = ivr(replying(menu(), call_reply))
    began = clock.now()
    steps = await player.play(["1", "answer", "wait"])
    assert [step.action for step in steps] == ["start", "1", "answer", "wait"]
    kinds = [exchange.request.kind for step in steps for exchange in step.exchanges]
    assert kinds == ["GET_IVR_ACTION", "GET_IVR_ACTION", "HANGUP_CALL", "CDR"]
    assert call.has_ended
    assert (clock.now() - began).total_seconds() == 66  # it rang for 6 seconds, and 60 were talked
    assert call.faults == []


@pytest.mark.anyio
async def test_actions_after_the_end_are_not_done() -> None:
    """A call that the IVR ended takes no further keys."""
    hangup = {"STATUS": 0, "ACTION": "HANGUP", "LANGUAGE": "HE", "DATA": {}}
    _, player, _ = ivr(replying(hangup))
    assert [step.action for step in await player.play(["1", "2"])] == ["start"]


@pytest.mark.anyio
async def test_a_key_without_effect_is_said() -> None:
    """Also an answer of the dialled side when nothing rings."""
    _, player, _ = ivr(replying(menu(SIZE=0)))
    await player.start()
    assert not (await player.do("1")).was_taken
    assert not (await player.do("busy")).was_taken


@pytest.mark.anyio
async def test_an_unknown_action_names_the_known_ones() -> None:
    """The message lists what a caller and the dialled side can do."""
    _, player, _ = ivr(replying(menu()))
    await player.start()
    with pytest.raises(SimulationError, match="hangup"):
        await player.do("whistle")


@pytest.mark.anyio
async def test_replies_that_ask_for_ever_end_with_an_error() -> None:
    """A failed call whose next menu plays nothing asks again at once: without a limit the player would never return."""
    dial = {"TARGET": "1", "CALLERID": "", "CALLERNAME": "", "CALL_MAX_DIAL": 0, "CALL_MAX": 0, "REC_STATUS": 0}
    looping = {"STATUS": 0, "ACTION": "CALL", "LANGUAGE": "HE", "DATA": {**dial, "NEXT_MENU": "again"}}
    call, player, _ = ivr(replying(looping))
    await player.start()
    for _ in range(3):
        await player.do("busy")
    assert call.state is CallState.DIALING  # each question needs the dialled side, so nothing loops by itself


@pytest.mark.anyio
async def test_the_two_legs_of_a_click_to_call_are_posted_leg_1_first() -> None:
    """Both posts carry the token, which is the call id (G-03, G-04)."""
    clock = VirtualClock()
    call = ClickToCall(CallSetup(caller="+18474255380", did="+919876543210", now=clock.now))
    player = Player(call, replying({}), clock)
    steps = await player.play(["answer", "answer", "wait"])
    bodies = [exchange.request.body.decode() for exchange in steps[-1].exchanges]
    assert ["leg=1" in bodies[0], "leg=2" in bodies[1]] == [True, True]
    assert all(f"token={call.call_id}" in body and "status=0" in body for body in bodies)


@pytest.mark.anyio
@pytest.mark.parametrize(("action", "status"), [("busy", 1), ("noanswer", 2), ("hangup", 4), ("invalidnumber", 5)])
async def test_a_first_leg_that_fails_is_the_only_one_posted(action: str, status: int) -> None:
    """The status says why; the second party is not dialled (G-08)."""
    clock = VirtualClock()
    call = ClickToCall(CallSetup(caller="+18474255380", did="+919876543210", now=clock.now))
    [_, last] = await Player(call, replying({}), clock).play([action])
    [body] = [exchange.request.body.decode() for exchange in last.exchanges]
    assert f"status={status}" in body
    assert "leg=1" in body


@pytest.mark.anyio
async def test_a_reply_that_never_comes_is_a_fault() -> None:
    """The sender gives up after its patience, and the rule about time is named (A-08)."""

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ReadTimeout("too late", request=request)

    async with httpx.AsyncClient(transport=Silent()) as client:
        call, player, _ = ivr(HttpSender(client, "http://receiver/voicenter"))
        await player.start()
    assert {fault.rule for fault in call.faults} == {"A-08"}
    assert call.state is CallState.ENDED


@pytest.mark.anyio
async def test_a_real_clock_runs_at_its_speed() -> None:
    """A thousand seconds of the clock pass in one."""
    clock = RealClock(speed=100_000)
    began = clock.now()
    await clock.sleep(500)
    assert (clock.now() - began).total_seconds() >= 500


@pytest.mark.anyio
async def test_a_reply_is_waited_for_as_long_as_the_provider_waits() -> None:
    """Where its patience with a kind is known; a caller hears nothing for longer otherwise."""
    seen: list[float] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=ACKNOWLEDGED)

    async with httpx.AsyncClient(transport=httpx.MockTransport(note)) as client:
        send = HttpSender(client, "http://receiver/voicenter", patience={"POPUP": 3.0})
        await send(OutgoingRequest("POPUP", b"", (), "GET", "/popup?phone=1"))
        await send(OutgoingRequest("CDR", b""))
    assert seen == [3.0, 10.0]


@pytest.mark.anyio
async def test_what_remains_of_a_wait_shrinks_as_time_passes() -> None:
    """A key begins it anew; waiting takes what is left."""
    call, player, clock = ivr(replying(menu(SIZE=2)))
    await player.start()
    assert call.remaining == 8
    clock.advance(6)
    assert call.remaining == 2
    await player.do("1")
    assert call.remaining == 5
    clock.advance(2)
    before = clock.now()
    await player.do("wait")
    assert (clock.now() - before).total_seconds() == 3


@pytest.mark.anyio
async def test_the_dialled_side_can_change_while_it_rings() -> None:
    """What remains follows: from when it began to ring, at most as long as the reply allows."""
    dial = {"TARGET": "1", "CALLERID": "", "CALLERNAME": "", "CALL_MAX_DIAL": 30, "CALL_MAX": 600, "REC_STATUS": 0}
    call, player, clock = ivr(replying({"STATUS": 0, "ACTION": "CALL", "LANGUAGE": "HE", "DATA": dial}))
    await player.start()
    clock.advance(4)
    assert call.remaining == 2
    call.set_callee(Callee(CalleeOutcome.NO_ANSWER))
    assert call.remaining == 26
    call.set_callee(Callee(ring_seconds=50))
    assert call.remaining == 26
    call.set_callee(Callee(ring_seconds=3))
    assert call.remaining == 0


@pytest.mark.anyio
async def test_the_legs_of_a_click_to_call_have_times_of_their_own() -> None:
    """Each began when it was dialled; the talk does not count the ringing."""
    clock = VirtualClock(datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    call = ClickToCall(CallSetup(now=clock.now))
    player = Player(call, replying({}), clock)
    await player.start()
    await player.do("answer")
    await player.do("answer")
    clock.advance(10)
    step = await player.do("hangup")
    bodies = [exchange.request.body.decode() for exchange in step.exchanges]
    assert ["12%3A00%3A00" in bodies[0], "12%3A00%3A06" in bodies[1]] == [True, True]
    assert all("duration=10" in body for body in bodies)


@pytest.mark.anyio
async def test_actions_that_overlap_keep_their_order_and_their_requests() -> None:
    """A caller hangs up while a question waits: the reports are sent once, in order, as part of hanging up."""
    asked, answered, sent = asyncio.Event(), asyncio.Event(), []

    async def slow(request: OutgoingRequest) -> HttpReply:
        sent.append(request.kind)
        if request.asks:
            asked.set()
            await answered.wait()
        return HttpReply(json.dumps(ACKNOWLEDGED if not request.asks else {"STATUS": 1}).encode(), "application/json")

    call, player, _ = ivr(slow)
    starting = asyncio.create_task(player.start())
    await asked.wait()
    hung_up = await player.do("hangup")
    answered.set()
    started = await starting
    assert player.steps == [started, hung_up]
    assert sent == ["GET_IVR_ACTION", "HANGUP_CALL", "CDR"]
    assert [len(step.exchanges) for step in player.steps] == [1, 2]
    assert [bool(exchange.faults) for exchange in started.exchanges + hung_up.exchanges] == [True, False, False]
    assert call.has_ended
