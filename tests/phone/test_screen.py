"""The phone's screen, by its keys: Textual's pilot presses them."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from handlers import demo
from receiver.phone.clock import PhoneClock
from receiver.phone.help_screen import HelpScreen
from receiver.phone.journal_reader import JournalReader
from receiver.phone.line import Line
from receiver.phone.screen import PhoneApp
from receiver.phone.session import PhoneSession
from receiver.phone.widgets import Panel
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest
from receiver.scenarios import load_scenario
from receiver.settings import Settings
from receiver.simulator import HttpSender, Send
from tests.phone.support import (
    HANGUP,
    MENU,
    OFFICE,
    ORIGIN,
    FakeTime,
    action,
    by_key,
    no_journal,
    order,
    session,
)
from tests.support import running

SIZE = (80, 24)


class Screen:
    """A phone's screen under test."""

    def __init__(self, app: PhoneApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def panel(self, name: str) -> str:
        """What a panel says."""
        text = self.app.screen_stack[0].query_one(f"#{name}", Panel).text
        return "" if text is None else text.plain

    async def shows(self, name: str, text: str) -> str:
        """Wait until a panel says something; all that it says."""
        async with asyncio.timeout(10):
            while text not in self.panel(name):
                await self.pilot.pause(0.01)
        return self.panel(name)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)


@asynccontextmanager
async def shown(
    folder: Path,
    send: Send = OFFICE,
    time: Callable[[], float] | None = None,
    record: Path | None = None,
    **fields: str,
) -> AsyncIterator[Screen]:
    """A phone on a receiver that is made up."""
    phone = session(send, PhoneClock(1, time or FakeTime()), **fields)
    app = PhoneApp(phone, no_journal(folder), deadline=3.0, address=ORIGIN, record=record)
    async with app.run_test(size=SIZE) as pilot:
        yield Screen(app, pilot)


async def test_a_whole_call_by_keys(tmp_path: Path) -> None:
    """The menu is heard, a key rings somebody, who answers; the caller hangs up, and the reports go out."""
    async with shown(tmp_path) as screen:
        heard = await screen.shows("call", "MENU MAIN")
        assert "hears, in Hebrew\n recording welcome\n   3 times, 2 s apart" in heard
        assert "no key: continues in 18 s" in heard
        await screen.press("1")
        assert "ringing 0541111111" in await screen.shows("call", "DIALING")
        await screen.press("a")
        await screen.shows("call", "TALKING")
        await screen.press("h")
        assert "4 requests, no fault" in await screen.shows("call", "ENDED")
        assert "type Incoming Call  status ANSWER" in screen.panel("exchange")


async def test_request_and_reply_stand_beside_the_call(tmp_path: Path) -> None:
    """With the time that the reply took against the deadline."""
    async with shown(tmp_path) as screen:
        text = await screen.shows("exchange", "ACTION MENU")
    assert "> POST /voicenter\nMETHOD GET_IVR_ACTION" in text
    assert re.search(r"^< 200 in [\d.]+ ms of 3 s$", text, re.MULTILINE)
    assert "REC welcome  LOOP 3  DELAY 2  SIZE 1" in text


@pytest.mark.parametrize(("key", "status"), [("b", "BUSY"), ("n", "NOANSWER"), ("u", "CHANUNAVAIL"), ("r", "CANCEL")])
async def test_the_dialled_side_has_keys_of_its_own(tmp_path: Path, key: str, status: str) -> None:
    """Busy, no answer, unavailable, rejected."""
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("1")
        await screen.shows("call", "DIALING")
        await screen.press(key)
        await screen.shows("exchange", f"status {status}")


async def test_the_provider_goes_on_by_itself_unless_the_clock_is_stopped(tmp_path: Path) -> None:
    """The countdown ends in the next question; p stops it."""
    time = FakeTime()
    async with shown(tmp_path, time=time) as screen:
        await screen.shows("call", "continues in 18 s")
        time.seconds = 10
        await screen.shows("call", "continues in 8 s")
        await screen.press("p")
        await screen.shows("message", "the clock is stopped")
        time.seconds = 100
        await screen.press("p")
        await screen.shows("call", "continues in 8 s")
        assert len(screen.app.session.exchanges) == 1
        time.seconds = 108
        async with asyncio.timeout(10):
            while len(screen.app.session.exchanges) < 2:
                await screen.pilot.pause(0.01)


async def test_silence_need_not_be_waited_for(tmp_path: Path) -> None:
    """W lets the provider go on at once."""
    async with shown(tmp_path, by_key({"": action("MENU", {**MENU, "SIZE": 2}), "1": HANGUP})) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("1")
        assert "recording" not in await screen.shows("call", "keys 1")  # a key cuts off what is played
        await screen.press("w")
        await screen.shows("call", "ENDED")


async def test_what_means_nothing_now_is_said_so(tmp_path: Path) -> None:
    """Keys while it rings, an answer in a menu, a new call during one."""
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("a")
        await screen.shows("message", "answer has no effect now")
        await screen.press("c")
        await screen.shows("message", "hang up first")
        await screen.press("1")
        await screen.shows("call", "DIALING")
        await screen.press("number_sign")
        await screen.shows("message", "# has no effect now: dialing")


async def test_a_fault_is_shown_with_its_rule_and_its_exchange(tmp_path: Path) -> None:
    """The reports after it do not hide it; the arrows lead to them."""
    async with shown(tmp_path, by_key({"": action("MENU", MENU), "5": {"STATUS": 1}})) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("5")
        assert "FAULT STATUS is 1" in await screen.shows("call", "ENDED")
        text = await screen.shows("exchange", "FAULT STATUS is 1: an error, and the caller is not served (C-26)")
        assert "DTMF 5" in text
        await screen.press("right")
        await screen.shows("exchange", "CALL_STATUS")
        await screen.press("left", "left")
        await screen.shows("exchange", 'DTMF ""')


async def test_the_bytes_are_one_key_away(tmp_path: Path) -> None:
    """As they were sent, with the header."""
    async with shown(tmp_path) as screen:
        await screen.shows("exchange", "ACTION MENU")
        await screen.press("v")
        assert '"METHOD": "GET_IVR_ACTION",' in await screen.shows("exchange", "Content-Type: application/json")
        await screen.press("v")
        await screen.shows("exchange", "METHOD GET_IVR_ACTION")


async def test_a_slow_reply_is_waited_for_in_sight_and_the_caller_may_hang_up(tmp_path: Path) -> None:
    """The screen counts, and takes keys meanwhile."""
    answered = asyncio.Event()

    async def slow(request: OutgoingRequest) -> HttpReply | None:
        if request.asks:
            await answered.wait()
        return await OFFICE(request)

    async with shown(tmp_path, slow) as screen:
        await screen.shows("call", "no reply yet, ")
        await screen.press("h")
        await screen.shows("call", "ENDED")
        answered.set()
        await screen.shows("call", "3 requests, no fault")
        await screen.press("s")
        await screen.shows("message", "no scenario can say")


async def test_one_key_places_a_new_call_and_one_saves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenario goes into scenarios/, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("9")
        await screen.shows("call", "ENDED")
        await screen.press("s")
        await screen.shows("message", "saved: receiver test scenarios/ivr_9.toml")
        await screen.press("c")
        await screen.shows("call", "MENU MAIN")
        await screen.press("h")
        await screen.shows("call", "ENDED")
        await screen.press("s")
        await screen.shows("message", "scenarios/ivr_hangup.toml")
    assert load_scenario(tmp_path / "scenarios/ivr_9.toml").scenario.steps[1].press == "9"


async def test_each_call_that_ends_is_recorded_if_that_is_wanted(tmp_path: Path) -> None:
    """The last one counts; leaving in the middle of a call hangs up, and records that."""
    file = tmp_path / "call.toml"
    async with shown(tmp_path, record=file) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("9")
        await screen.shows("message", "saved: receiver test")
        assert load_scenario(file).scenario.steps[-1].press == "9"
        await screen.press("c")
        await screen.shows("call", "MENU MAIN")
        await screen.press("q")
        async with asyncio.timeout(10):
            while screen.app.is_running:
                await asyncio.sleep(0.01)
    assert load_scenario(file).scenario.steps[-1].hang_up


async def test_help_lists_the_keys_and_closes_with_any(tmp_path: Path) -> None:
    """It fits on the smallest terminal."""
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("question_mark")
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, HelpScreen)
        assert screen.app.screen.query_one("#help").size.height <= SIZE[1] - 2
        await screen.press("1")
        await screen.pilot.pause()
        assert not isinstance(screen.app.screen, HelpScreen)
        assert len(screen.app.session.player.steps) == 1


async def test_the_keys_of_the_keypad_can_be_clicked(tmp_path: Path) -> None:
    """A mouse works over ssh as well."""
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.pilot.click("#keypad", offset=(8, 0))
        await screen.shows("call", "DIALING")


async def test_hints_fit_on_one_line_of_80_columns(tmp_path: Path) -> None:
    """They name what can be done now, and always how to get help and out."""
    async with shown(tmp_path) as screen:
        await screen.shows("call", "MENU MAIN")
        await screen.press("1")
        hints = await screen.shows("hints", "a answer  b busy  n no answer  h hang up  p pause")
        assert hints.endswith("? help  q quit")
        assert len(hints) <= SIZE[0] - 2


async def test_the_journal_tells_of_the_call_as_it_goes_on(tmp_path: Path) -> None:
    """Outcomes of questions, then what the handlers did; j shows it alone."""
    async with running(tmp_path, demo.handlers) as receiver:
        placed = order(format="xmlrpc")
        phone = PhoneSession(
            placed, Line(HttpSender(receiver.client, placed.provider.path), ORIGIN), PhoneClock(1, FakeTime())
        )
        journal = JournalReader.open(Settings(database_url=receiver.url), placed.provider)
        app = PhoneApp(phone, journal, deadline=3.0)
        async with app.run_test(size=SIZE) as pilot:
            screen = Screen(app, pilot)
            await screen.shows("journal", "GET_IVR_ACTION answered")
            await screen.shows("exchange", "journal: answered by handlers.demo.main_menu")
            await screen.press("5")
            await screen.shows("journal", "CDR accepted\n  handlers.demo.print_call done")
            await screen.press("j")
            await pilot.pause()
            assert not app.query_one("#exchange-box").display
        journal.close()


async def test_a_narrow_terminal_gets_the_panels_below_each_other(tmp_path: Path) -> None:
    """Nothing is cut off at 50 columns."""
    app = PhoneApp(session(clock=PhoneClock(1, FakeTime())), no_journal(tmp_path), deadline=3.0)
    async with app.run_test(size=(50, 40)) as pilot:
        await pilot.pause()
        phone, beside = app.query_one("#phone"), app.query_one("#beside")
        assert phone.region.width == beside.region.width
        assert beside.region.y >= phone.region.bottom


async def test_calls_that_ask_nothing_and_calls_without_keys(tmp_path: Path) -> None:
    """A pop-up is over at once; a click-to-call rings both sides."""
    async with shown(tmp_path, by_key({}), name="spokn") as screen:
        await screen.shows("call", "DIALING, LEG 1")
        await screen.press("a")
        await screen.shows("call", "DIALING, LEG 2")
        await screen.press("b")
        assert "2 requests, no fault" in await screen.shows("call", "ENDED")


def test_only_the_screen_imports_textual() -> None:
    """The other commands, and the phone without a screen, start as fast as ever."""
    code = "import receiver.cli, sys; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
