"""The telephone itself: its clock, its line, and what can be done in a call."""

import asyncio

import httpx
import pytest

from receiver.components import make_providers
from receiver.errors import SimulationError
from receiver.phone.clock import PhoneClock
from receiver.phone.line import Line
from receiver.phone.order import find_play, known_plays, read_options
from receiver.phone.session import PhoneSession
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import CallState, OutgoingRequest
from receiver.providers.voicenter.provider import Voicenter
from receiver.providers.voicenter.simulation import IvrCall
from receiver.settings import Settings
from tests.phone.support import CALL, MENU, OFFICE, ORIGIN, FakeTime, action, as_json, by_key, order, session


def test_the_clock_runs_at_its_speed_stands_still_and_skips() -> None:
    """Ten seconds of the call pass in one real second at speed 10; none while it is paused."""
    time = FakeTime()
    clock = PhoneClock(10, time)
    began = clock.now()
    time.seconds = 1
    assert (clock.now() - began).total_seconds() == 10
    clock.toggle()
    time.seconds = 5
    assert (clock.now() - began).total_seconds() == 10
    asyncio.run(clock.sleep(30))
    clock.toggle()
    time.seconds = 6
    assert (clock.now() - began).total_seconds() == 50


def test_a_clock_without_speed_stands_still_until_it_is_let_run() -> None:
    """`--speed 0` stops the timers; then the clock runs like a real one."""
    time = FakeTime()
    clock = PhoneClock(0, time)
    began = clock.now()
    time.seconds = 5
    assert clock.now() == began
    clock.toggle()
    time.seconds = 7
    assert (clock.now() - began).total_seconds() == 2


async def test_the_provider_goes_on_by_itself_when_the_time_has_come() -> None:
    """A menu that is played three times with pauses, then five seconds for a key: silence asks again."""
    time = FakeTime()
    phone = session(clock=PhoneClock(1, time))
    await phone.dial()
    assert phone.remaining == 18
    time.seconds = 17
    assert await phone.go_on_if_due() is None
    time.seconds = 18
    step = await phone.go_on_if_due()
    assert step is not None
    assert (step.action, len(step.exchanges)) == ("wait", 1)


async def test_the_dialled_side_reacts_in_the_moment_of_its_key() -> None:
    """It rings until a key is pressed, and the talk lasts until the caller hangs up."""
    time = FakeTime()
    phone = session(clock=PhoneClock(1, time))
    await phone.dial()
    await phone.do("1")
    time.seconds = 4
    await phone.do("answer")
    assert phone.call.state is CallState.TALKING
    time.seconds = 24
    step = await phone.do("hangup")
    assert step is not None
    cdr = step.exchanges[-1].request.body.decode()
    assert '"dialtime": 4' in cdr
    assert '"duration": 20' in cdr


async def test_no_answer_rings_as_long_as_the_reply_allows() -> None:
    """Whatever the moment of the key: CALL_MAX_DIAL is over when the provider gives up."""
    phone = session(clock=PhoneClock(1, FakeTime()))
    await phone.dial()
    await phone.do("1")
    step = await phone.do("noanswer")
    assert step is not None
    assert '"dialtime": 30' in step.exchanges[-1].request.body.decode()


async def test_the_outcome_of_one_dialling_is_not_that_of_the_next() -> None:
    """One that was busy does not make the next one busy."""
    again = {**CALL, "NEXT_MENU": "main", "NEXT_MENU_SIZE": 1, "NEXT_MENU_RECORD": "busy"}
    phone = session(by_key({"": action("MENU", MENU), "1": action("CALL", again)}))
    await phone.dial()
    for done in ("1", "busy", "1", "wait"):
        await phone.do(done)
    assert phone.call.state is CallState.TALKING


async def test_what_means_nothing_now_is_no_step() -> None:
    """Nobody answers in a menu, nothing is done before the call or after it; a key is pressed all the same."""
    phone = session()
    assert await phone.do("1") is None
    await phone.dial()
    assert await phone.do("answer") is None
    await phone.do("1")
    step = await phone.do("2")
    assert step is not None
    assert not step.was_taken
    await phone.do("hangup")
    assert await phone.do("hangup") is None
    with pytest.raises(SimulationError, match="'whistle' is not an action"):
        await phone.do("whistle")


async def test_a_caller_may_hang_up_while_a_question_waits() -> None:
    """The reports go out at once and in order; the reply that comes later changes nothing."""
    asked, answered, sent = asyncio.Event(), asyncio.Event(), []

    async def slow(request: OutgoingRequest) -> HttpReply | None:
        sent.append(request.kind)
        if request.asks:
            asked.set()
            await answered.wait()
        return await OFFICE(request)

    phone = session(slow)
    calling = asyncio.create_task(phone.dial())
    await asked.wait()
    assert await phone.do("5") is not None
    await phone.do("hangup")
    assert not phone.is_over
    answered.set()
    await calling
    assert phone.is_over
    assert sent == ["GET_IVR_ACTION", "HANGUP_CALL", "CDR"]
    assert [step.action for step in phone.player.steps] == ["start", "5", "hangup"]
    assert phone.hung_up_early
    assert not phone.has_faults


async def test_finishing_hangs_up_and_waits_for_the_reports() -> None:
    """Leaving the phone ends the call."""
    phone = session()
    await phone.dial()
    step = await phone.finish()
    assert step is not None
    assert [exchange.request.kind for exchange in step.exchanges] == ["HANGUP_CALL", "CDR"]
    assert await phone.finish() is None


async def test_a_new_call_has_an_id_and_steps_of_its_own() -> None:
    """The receiver sees two calls."""
    phone = session()
    await phone.dial()
    await phone.do("9")
    first = phone.call.call_id
    await phone.dial()
    assert phone.call.call_id != first
    assert [step.action for step in phone.player.steps] == ["start"]


class LoopingCall(IvrCall):
    """A provider that asks again at once, whatever the reply."""

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Ask again."""
        self._ask_ivr()


async def test_replies_that_ask_for_ever_break_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phone stops after 500 requests, and says that they form a loop."""
    monkeypatch.setattr(Voicenter, "simulations", lambda _: {"ivr": LoopingCall})
    phone = session()
    assert await phone.dial() is None
    assert phone.is_broken
    assert phone.is_over
    assert "form a loop" in phone.problem


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (httpx.ConnectError("refused"), f"no receiver answers at {ORIGIN}; start one with `receiver serve`"),
        (httpx.RemoteProtocolError("nonsense"), "the connection broke before the reply was complete: nonsense"),
    ],
)
async def test_a_line_that_breaks_is_a_problem_and_no_crash(error: httpx.TransportError, problem: str) -> None:
    """The call ends as it does without a reply, and the phone says why."""

    async def fail(_: OutgoingRequest) -> HttpReply | None:
        raise error

    phone = session(fail)
    await phone.dial()
    assert phone.problem.startswith(problem)
    assert phone.has_faults
    assert phone.is_over


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_request_says_where_to_look(status: int) -> None:
    """Secret and password come from the settings of the folder."""

    async def refuse(_: OutgoingRequest) -> HttpReply | None:
        return HttpReply(b"no", "text/plain", status)

    phone = session(refuse)
    await phone.dial()
    assert "`receiver refused`" in phone.problem


@pytest.mark.parametrize(
    ("name", "provider", "found"),
    [
        ("", "", ("voicenter", "ivr")),
        ("layer", "", ("voicenter", "layer")),
        ("spokn", "", ("spokn", "click_to_call")),
        ("click-to-call", "", ("spokn", "click_to_call")),
        ("", "spokn", ("spokn", "click_to_call")),
        ("POPUP", "Voicenter", ("voicenter", "popup")),
    ],
)
def test_a_call_is_found_by_its_name_or_its_provider(name: str, provider: str, found: tuple[str, str]) -> None:
    """`receiver phone popup` and `receiver phone spokn` both mean something."""
    one, play = find_play(make_providers(Settings()), name, provider)
    assert (one.name, play) == found


@pytest.mark.parametrize(
    ("name", "provider", "problem"),
    [
        ("dance", "", r"there is no call 'dance'; there are click_to_call \(spokn\); .*ivr, layer, popup, record \(v"),
        ("ivr", "spokn", r"there is no call 'ivr'; there are click_to_call \(spokn\)$"),
        ("", "acme", "there is no provider 'acme'; there are spokn, .*voicenter"),
    ],
)
def test_a_call_that_is_not_there_is_answered_with_those_that_are(name: str, provider: str, problem: str) -> None:
    """The error lists what can be played."""
    with pytest.raises(SimulationError, match=problem):
        find_play(make_providers(Settings()), name, provider)


def test_options_are_names_with_values() -> None:
    """A value may hold an equals sign; a name alone is refused."""
    assert read_options(["type=Queue", "status=a=b"]) == {"type": "Queue", "status": "a=b"}
    with pytest.raises(SimulationError, match="write it as NAME=VALUE"):
        read_options(["type"])
    assert known_plays(make_providers(Settings()), "spokn") == "click_to_call (spokn)"


async def test_a_reply_is_waited_for_no_longer_than_the_provider_waits() -> None:
    """A reply that is None is a fault with the rule about time (A-08)."""

    async def late(_: OutgoingRequest) -> HttpReply | None:
        return None

    phone = PhoneSession(order(), Line(late, ORIGIN), PhoneClock(1, FakeTime()))
    await phone.dial()
    assert phone.call.faults[0].rule == "A-08"
    assert as_json({}).status == 200
