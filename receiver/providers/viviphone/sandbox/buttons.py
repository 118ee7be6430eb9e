"""Buttons: what was set, the calls that came over them, and what becomes of a call (000)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import ClassVar

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    CalleeOutcome,
    CallSetup,
    CallState,
    OutgoingRequest,
    SimulatedCall,
    Sound,
)
from receiver.providers.viviphone.sandbox.fields import NO_NUMBER
from receiver.wire import Format

CENTS_A_MINUTE = 2.5
"""Of a call to a destination; the document names no prices."""
NORTH_AMERICA = "1"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A call in the history, by the names of gen.hist.get."""

    began: datetime
    telnum: str
    calltype: str
    """inbound or outbound."""
    dursec: int
    cname: str = ""
    is_num_intl: int = 0
    cost_ct: float = 0.0


@dataclass
class Button:
    """A click-to-call button."""

    id: str
    settings: dict[str, str]
    lists: dict[str, str] = field(default_factory=lambda: {"bl": "", "vm": "", "ph": ""})
    """Numbers by what becomes of their calls: rejected, forwarded to voice mail, accepted."""
    history: list[HistoryRow] = field(default_factory=list)

    def route(self, caller: str, now: datetime) -> str:
        """What becomes of a call: `ph`, `vm` or `bl`. Lists for callers count before all else (000:129)."""
        for kind in ("bl", "vm", "ph"):
            if _digits(caller) in map(_digits, filter(None, self.lists[kind].split(":"))):
                return kind
        if not self.is_open(now):
            return "vm"
        return self.settings["type_dest"]

    def is_open(self, now: datetime) -> bool:
        """Whether the schedule allows calls. Bit 0 of the days is Sunday, bit 6 Saturday (I-35)."""
        if self.settings["schd_en"] != "1":
            return True
        local = now.astimezone(timezone(timedelta(hours=-int(self.settings["tzo"]))))  # positive is west (I-38)
        minute, day = local.hour * 60 + local.minute, (local.weekday() + 1) % 7
        start, stop = int(self.settings["schd_start"]), int(self.settings["schd_stop"])
        return start <= minute < stop and bool(int(self.settings["schd_days"]) >> day & 1)

    @property
    def destinations(self) -> list[str]:
        """The numbers that ring, with their countries' codes."""
        numbers = ((self.settings[f"dest{at}_cty"], self.settings[f"dest{at}_num"]) for at in (1, 2, 3))
        return [country + number for country, number in numbers if number != NO_NUMBER]


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


class ButtonCall(SimulatedCall):
    """A call over a button. All its destinations ring until one answers (000:155). It sends nothing (I-45)."""

    title: ClassVar[str] = "a call over a button"
    formats: ClassVar[tuple[Format, ...]] = (Format.FORM,)

    def __init__(self, setup: CallSetup, button: Button, keep: Callable[[HistoryRow], None]) -> None:
        super().__init__(setup)
        self._button = button
        self._keep = keep
        self._began = setup.now()
        self._talk_began = self._began
        self._route = button.route(setup.caller, self._began)

    def start(self) -> None:
        """The destinations ring, the voice mail picks up, or the call is not accepted."""
        self._began = self.setup.now()
        if self._route == "ph" and self._button.destinations:
            self.state, self.hears = CallState.DIALING, (Sound("ringing", self._button.destinations[0]),)
            self.timeout = self.ring_seconds()
        elif self._route == "vm":
            self._talk()
        else:
            self._end(0)

    def ring_seconds(self) -> float:
        """Until a destination answers, or the voice mail picks up."""
        return min(self.callee.ring_seconds, self._patience())

    def _patience(self) -> float:
        """Seconds until the voice mail picks up; 255 is never (000:108)."""
        delay = int(self._button.settings["vm_delay"])
        return 60.0 if delay == 255 else float(delay)

    def _talk(self) -> None:
        self.state, self.hears = CallState.TALKING, (Sound("speech"),)
        self._talk_began = self.setup.now()
        self.timeout = self.callee.talk_seconds

    def wait(self) -> None:
        """A destination answers, the voice mail does, or the talk ends."""
        if self.state is CallState.TALKING:
            self._end(int(self.timeout or 0))
        elif self.state is CallState.DIALING:
            is_late = self.callee.ring_seconds > self._patience()
            if self.callee.outcome is CalleeOutcome.ANSWERED and not is_late:
                self._talk()
            elif self._button.settings["vm_delay"] != "255":
                self._route = "vm"
                self._talk()
            else:
                self._end(0)

    def hang_up(self) -> None:
        """The caller hangs up."""
        if self.state is CallState.TALKING:
            self._end(int((self.setup.now() - self._talk_began).total_seconds()))
        elif self.state is not CallState.ENDED:
            self._end(0)

    def _end(self, talk: int) -> None:
        """The caller's leg is inbound; that to the destination, if it was answered, is outbound."""
        self.state, self.timeout, self.hears = CallState.ENDED, None, ()
        self._keep(self._row(self.setup.caller, "inbound", talk, self.setup.caller_name))
        if talk and self._route == "ph":
            cost = CENTS_A_MINUTE * -(-talk // 60)
            self._keep(self._row(self._button.destinations[0], "outbound", talk, cost=cost))

    def _row(self, number: str, type_: str, talk: int, name: str = "", cost: float = 0.0) -> HistoryRow:
        is_international = not _digits(number).startswith(NORTH_AMERICA) and len(_digits(number)) != 10
        return HistoryRow(self._began, number, type_, talk, name, int(is_international), cost)

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """There are no requests."""
