"""The parts of the phone's screen."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from receiver.phone.journal_reader import CallTrace
from receiver.phone.panels import bytes_panel, exchange_panel, waiting_panel
from receiver.phone.session import PhoneSession
from receiver.simulator import Exchange, Step
from storage import StoredCallback

KEYPAD = ("123", "456", "789", "*0#")
USUAL_WIDTH = 51
"""Columns of the exchange's box before the screen is laid out: those on a terminal of 80."""
FRAME = 5
"""Columns that border, padding and scrollbar take of it."""


class Panel(Static):
    """Text that is drawn only when it is another one: over a slow line each redraw counts."""

    text: Text | None = None

    def show(self, text: Text) -> bool:
        """Show a text; whether it is another one."""
        is_new = text != self.text
        if is_new:
            self.text = text
            self.update(text)
        return is_new


class Keypad(Static):
    """The keys of the telephone; each can be clicked."""

    def on_mount(self) -> None:
        """Show them."""
        rows = ("   ".join(f"[@click=app.act('{key}')]{key}[/]" for key in row) for row in KEYPAD)
        self.update("\n".join(rows))


class ExchangeBox(VerticalScroll):
    """A request with its reply: the last one, or the one that is looked at. `deadline` is the setting."""

    def __init__(self, session: PhoneSession, deadline: float) -> None:
        super().__init__(id="exchange-box", can_focus=False)
        self._session = session
        self._deadline = deadline
        self._place: int | None = None
        """The exchange that is looked at, counted from the first; None for the last one."""
        self._shows_bytes = False
        self._panel = Panel(id="exchange")
        self.trace = CallTrace()
        """What the journal has of the call."""

    def compose(self) -> ComposeResult:
        """One panel."""
        yield self._panel

    def show(self) -> None:
        """Show what there is now."""
        title, text = self._content()
        if self.border_title != title:  # setting it redraws the box
            self.border_title = title
        self._panel.show(text)

    def look(self, by: int) -> None:
        """Look at another exchange, so many further."""
        place = max(0, self._number() + by)
        self._place = None if place >= len(self._session.exchanges) - 1 else place
        self.scroll_home(animate=False)
        self.show()

    def look_at_last(self) -> None:
        """Follow the call again."""
        self._place = None

    def look_at_fault(self, step: Step) -> None:
        """Look at the first exchange of a step that has a fault, if there is one."""
        faulty = next((exchange for exchange in step.exchanges if exchange.faults), None)
        if faulty is not None:
            self._place = next(number for number, one in enumerate(self._session.exchanges) if one is faulty)
            self.show()

    def toggle_bytes(self) -> None:
        """Show the bytes that were sent, or the values."""
        self._shows_bytes = not self._shows_bytes
        self.show()

    def _content(self) -> tuple[str, Text]:
        session, exchange = self._session, self._looked_at()
        width = (self.outer_size.width or USUAL_WIDTH) - FRAME
        if session.outgoing is not None and self._place is None:
            return session.outgoing.kind, waiting_panel(session, session.outgoing, width)
        if exchange is None:
            return "request and reply", Text("nothing was sent yet", style="dim")
        title = f"{exchange.request.kind}, {self._number() + 1} of {len(session.exchanges)}"
        if self._shows_bytes:
            return title, bytes_panel(session, exchange, self._deadline)
        return title, exchange_panel(session, exchange, self._deadline, width, self._stored())

    def _number(self) -> int:
        last = len(self._session.exchanges) - 1
        return last if self._place is None else min(self._place, last)

    def _looked_at(self) -> Exchange | None:
        exchanges = self._session.exchanges
        return exchanges[self._number()] if exchanges else None

    def _stored(self) -> StoredCallback | None:
        kinds = [exchange.request.kind for exchange in self._session.exchanges[: self._number() + 1]]
        return self.trace.stored(kinds[-1], kinds.count(kinds[-1]) - 1)


class JournalBox(VerticalScroll):
    """What the journal has of the call; at will with tracebacks."""

    def __init__(self) -> None:
        super().__init__(id="journal-box", can_focus=False)
        self.border_title = "journal"
        self._panel = Panel(id="journal")

    def compose(self) -> ComposeResult:
        """One panel."""
        yield self._panel

    @property
    def is_whole(self) -> bool:
        """Whether it replaces request and reply."""
        return self.has_class("-whole")

    def show(self, text: Text) -> None:
        """Show a text, its end first."""
        if self._panel.show(text):
            self.scroll_end(animate=False)
