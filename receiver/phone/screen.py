"""The phone's screen. It imports Textual, which takes a third of a second: only `receiver phone` may import it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll

from receiver.errors import ReceiverError
from receiver.phone.clock import PhoneClock
from receiver.phone.help_screen import HelpScreen
from receiver.phone.journal_reader import CallTrace, JournalReader
from receiver.phone.panels import call_panel, hints, journal_panel
from receiver.phone.recording import free_name, save_call
from receiver.phone.session import PhoneSession
from receiver.phone.widgets import KEYPAD, ExchangeBox, JournalBox, Keypad, Panel
from receiver.phone.words import format_of, why_no_effect
from receiver.simulator import Step

TICK_SECONDS = 0.1
JOURNAL_SECONDS = 0.4
_WIDTHS = [(0, "-narrow"), (72, "-wide")]
"""From how many columns on the call is beside the exchange."""
_NAMES = {"*": "asterisk", "#": "number_sign"}
"""What Textual calls keys that are no letter."""
_ACTIONS = {_NAMES.get(key, key): key for row in KEYPAD for key in row} | {
    "h": "hangup",
    "w": "wait",
    "a": "answer",
    "b": "busy",
    "n": "noanswer",
    "r": "reject",
    "u": "unavailable",
    "i": "invalidnumber",
}


class PhoneApp(App[None]):
    """The phone. It places a call at once; each call that ends is saved to `record`, if that is a file.

    `deadline` is the setting, `address` what the title shows.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "screen.tcss"
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        *[Binding(key, f"act({action!r})") for key, action in _ACTIONS.items()],
        Binding("c", "call"),
        Binding("s", "save"),
        Binding("p", "pause"),
        Binding("v", "show_bytes"),
        Binding("j", "show_journal"),
        Binding("left", "look(-1)"),
        Binding("right", "look(1)"),
        Binding("up", "scroll_box('#exchange-box', -1)"),
        Binding("down", "scroll_box('#exchange-box', 1)"),
        Binding("pageup", "scroll_box('#journal-box', -3)"),
        Binding("pagedown", "scroll_box('#journal-box', 3)"),
        Binding("question_mark", "help"),
        Binding("q", "leave"),
        Binding("ctrl+c,ctrl+q", "leave", priority=True),
    ]

    def __init__(
        self,
        session: PhoneSession,
        journal: JournalReader,
        *,
        deadline: float,
        address: str = "",
        record: Path | None = None,
    ) -> None:
        super().__init__(ansi_color=True)  # the terminal's own colours: they fit it, and NO_COLOR leaves none
        self.session = session
        self._journal = journal
        self._address = address
        self._record = record
        self._panels = {name: Panel(id=name) for name in ("title", "call", "message", "hints")}
        self._exchange = ExchangeBox(session, deadline)
        self._journal_box = JournalBox()
        self._outgoing: object = None
        self._sent_at = 0.0
        self._message = Text()
        self._is_leaving = False
        self._is_reading = False

    # --- layout ---

    def compose(self) -> ComposeResult:
        """The call with its keypad, beside it the exchange and the journal; a line of messages and one of keys."""
        yield self._panels["title"]
        with Container(id="panels"):
            with Vertical(id="phone") as phone:
                phone.border_title = "call"
                yield self._panels["call"]
                yield Keypad(id="keypad")
            with Vertical(id="beside"):
                yield self._exchange
                yield self._journal_box
        yield self._panels["message"]
        yield self._panels["hints"]

    def on_mount(self) -> None:
        """Place the call, and begin to watch clock and journal."""
        self.session.on_change = self._on_change
        order = self.session.order
        title = f"{order.provider.name} {order.play}  {format_of(self.session.call)}  {self._address}"
        self._panels["title"].show(Text(title))
        self.set_interval(TICK_SECONDS, self._tick)
        self.set_interval(JOURNAL_SECONDS, self._watch_journal)
        self.action_call()

    # --- what is shown ---

    def _on_change(self) -> None:
        """A request went out, or an action has ended."""
        if self.session.outgoing is not self._outgoing:
            self._outgoing, self._sent_at = self.session.outgoing, monotonic()
        self._refresh()

    def _refresh(self) -> None:
        waited = monotonic() - self._sent_at if self.session.outgoing else 0.0
        self._panels["call"].show(call_panel(self.session, waited))
        self._exchange.show()
        self._panels["message"].show(self._message)
        clock = self.session.clock
        is_paused = isinstance(clock, PhoneClock) and clock.is_paused
        self._panels["hints"].show(hints(self.session, self.size.width - 2, is_paused=is_paused))

    def _say(self, text: str, style: str = "") -> None:
        self._message = Text(text, style=style)
        self._refresh()

    # --- what happens without a key ---

    def _tick(self) -> None:
        if self.session.remaining == 0:
            self._run(self.session.go_on_if_due)
        self._refresh()

    def _watch_journal(self) -> None:
        """Read the journal, unless that still runs: a database may be slow or away."""
        if not self._is_reading:
            self._is_reading = True
            self.run_worker(self._read_journal())

    async def _read_journal(self) -> None:
        call = self.session.call
        trace = await self._journal.read(call.call_ids)
        self._is_reading = False
        if call is not self.session.call:
            return  # a new one was placed meanwhile
        self._exchange.trace = trace
        self._journal_box.show(journal_panel(trace, self._journal.problem, whole=self._journal_box.is_whole))

    def _run(self, act: Callable[[], Awaitable[Step | None]], name: str = "") -> None:
        """Do something on the phone; the screen stays responsive meanwhile."""
        self._message = Text()
        self._exchange.look_at_last()
        self.run_worker(self._carry_out(act, name))

    async def _carry_out(self, act: Callable[[], Awaitable[Step | None]], name: str) -> None:
        step = await act()
        if step is None:
            if name:
                self._say(f"{name} has no effect now", "yellow")
            return
        self._exchange.look_at_fault(step)
        if not step.was_taken:
            self._say(why_no_effect(step, self.session.call), "yellow")
        if self.session.is_over and self._record is not None:
            await self._save(self._record, force=True)

    # --- keys ---

    def action_act(self, action: str) -> None:
        """The caller or the dialled side does something."""
        self._run(lambda: self.session.do(action), action)

    def action_call(self) -> None:
        """Place a new call, if there is none."""
        if self.session.player.steps and not self.session.is_over:
            self._say("hang up first: h", "yellow")
        else:
            self._exchange.trace = CallTrace()
            self._run(self.session.dial)

    def action_save(self) -> None:
        """Save the call as a scenario, with what its handlers did."""
        self.run_worker(self._save(free_name(self.session)))

    async def _save(self, file: Path, *, force: bool = False) -> None:
        try:
            await save_call(self.session, self._journal, file, force=force)
        except ReceiverError as error:
            self._say(str(error), "bold red")
        else:
            self._say(f"saved: receiver test {file}", "green")

    def action_pause(self) -> None:
        """Stop the clock of the call, or let it run on."""
        if isinstance(self.session.clock, PhoneClock):
            self.session.clock.toggle()
            self._say("the clock is stopped: p starts it" if self.session.clock.is_paused else "")

    def action_show_bytes(self) -> None:
        """Show values, or the bytes that were sent."""
        self._exchange.toggle_bytes()

    def action_show_journal(self) -> None:
        """Show the journal in place of request and reply, or below them."""
        self._journal_box.toggle_class("-whole")
        self._exchange.toggle_class("-hidden")
        self._watch_journal()

    def action_look(self, by: int) -> None:
        """Look at the exchange before or after."""
        self._exchange.look(by)

    def action_scroll_box(self, selector: str, lines: int) -> None:
        """Scroll a box."""
        self.query_one(selector, VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen())

    def action_leave(self) -> None:
        """Hang up, and quit; at once if it was asked for before."""
        if self._is_leaving:
            self.exit()
        self._is_leaving = True
        self.run_worker(self._leave())

    async def _leave(self) -> None:
        await self._carry_out(self.session.finish, "")
        self.exit()
