"""The help of the phone's screen."""

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

HELP = """\
0-9 * #    keys of the telephone; one cuts off what is played
w          silence: the provider continues at once
h          the caller hangs up
While it rings, the dialled side:
a          answers
b n r      is busy, does not answer, rejects the call
u i        cannot be reached, is no valid number
c s        a new call; save the call as a scenario
p          stop the clock of the call, or let it run on
left right the request before, the one after
up down    scroll it; PgUp and PgDn scroll the journal
v          values, or the bytes that were sent
j          the journal alone, with tracebacks
q          quit; hangs up first

FAULT: the provider would not understand the reply. The rule is
a chapter of its document, or a doubtful point (C-26): see the
provider's page in docs/providers. What handlers print appears
where the receiver runs. Any key closes this."""


class HelpScreen(ModalScreen[None]):
    """The keys, and what a fault is."""

    def compose(self) -> ComposeResult:
        """One box."""
        yield Static(HELP, id="help", markup=False)

    def on_key(self, event: Key) -> None:
        """Close it."""
        event.stop()
        event.prevent_default()
        self.dismiss()
