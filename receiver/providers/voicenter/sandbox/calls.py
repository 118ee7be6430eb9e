"""The calls behind the API: two legs that ring, answer and talk, incoming calls, and the CDRs that they leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    Callee,
    CalleeOutcome,
    CallSetup,
    CallState,
    OutgoingRequest,
    SimulatedCall,
    Sound,
)
from receiver.providers.voicenter.simulation import IvrCall
from receiver.providers.voicenter.simulation.instructions import check_acknowledgement
from receiver.providers.voicenter.simulation.records import AGOROT_A_MINUTE, STATUSES, cdr_values
from receiver.providers.voicenter.simulation.requests import request_of
from receiver.wire import Format

ANSWER, NOT_CALLED, CANCEL, ABANDONED = "ANSWER", "NOTCALLED", "CANCEL", "ABANDONE"
"""Statuses of chapter 4 (B-12)."""
LONGEST_RING, LONGEST_TALK = 60, 7200
"""Seconds where a call sets none (chapter 1.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One side of a call: who is rung, and what its CDR has beside the usual fields."""

    number: str
    type: str
    """The call type of its CDR (chapter 4)."""
    shown: str = ""
    """The number that it sees."""
    max_ring: float = LONGEST_RING
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Dialed:
    """What became of a leg."""

    leg: Leg
    began: datetime
    status: str = NOT_CALLED
    ring: int = 0
    talk: int = 0


class LegCall(SimulatedCall):
    """A call that rings its legs one after the other, and connects them. Each leg leaves a CDR (chapter 4).

    All legs share the call id (B-25). A leg that was not reached is NOTCALLED. With `ivr` the last leg is no phone but
    your own IVR: it asks, is steered by the replies, and reports its end with HANGUP_CALL.
    """

    title: ClassVar[str] = "a call with its legs"
    formats: ClassVar[tuple[Format, ...]] = (Format.JSON, Format.XMLRPC, Format.FORM)

    def __init__(
        self,
        setup: CallSetup,
        legs: tuple[Leg, ...],
        *,
        max_talk: float = LONGEST_TALK,
        is_recorded: bool = False,
        custom_data: Mapping[str, Any] | None = None,
        ivr: bool = False,
    ) -> None:
        super().__init__(setup)
        self._dialed = [_Dialed(leg, setup.now()) for leg in legs]
        self._at = 0
        self._max_talk = max_talk
        self._is_recorded = is_recorded
        self._custom_data = dict(custom_data or {})
        self._talk_began = setup.now()
        self._ivr = _SteeredLeg(setup) if ivr else None
        self._reached_ivr = False

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Its legs, in the order in which they are rung."""
        return tuple(dialed.leg for dialed in self._dialed)

    def start(self) -> None:
        """The first leg rings."""
        self._ring(0)

    def _ring(self, number: int) -> None:
        self._at = number
        leg = self._dialed[number]
        leg.began = self.setup.now()
        self.position = f"leg {number + 1}"
        self.state, self.timeout = CallState.DIALING, self.ring_seconds()
        self.hears = (Sound("ringing", leg.leg.number),)

    def ring_seconds(self) -> float:
        """Without an answer a leg rings as long as it may."""
        if self._ivr is not None and self._reached_ivr:
            return self._ivr.ring_seconds()
        most = self._dialed[self._at].leg.max_ring
        return most if self.callee.outcome is CalleeOutcome.NO_ANSWER else min(self.callee.ring_seconds, most)

    def set_callee(self, callee: Callee) -> None:
        """How the side that is dialled behaves, also where the IVR dials it."""
        if self._ivr is not None and self._reached_ivr:
            self._ivr.set_callee(callee)
        super().set_callee(callee)

    def press(self, key: str) -> bool:
        """A key: only an IVR takes it."""
        super().press(key)
        if self._ivr is None or not self._reached_ivr:
            return False
        taken = self._ivr.press(key)
        self._follow_ivr()
        return taken

    def wait(self) -> None:
        """A leg picks up or not, or the talk ends."""
        if self._ivr is not None and self._reached_ivr:
            self._ivr.wait()
            self._follow_ivr()
        elif self.state is CallState.DIALING:
            self._end_ringing()
        elif self.state is CallState.TALKING:
            self._end_talk(int(self.timeout or 0))

    def _end_ringing(self) -> None:
        dialed = self._dialed[self._at]
        outcome = self.callee.outcome
        if self.callee.ring_seconds > dialed.leg.max_ring and outcome is CalleeOutcome.ANSWERED:
            outcome = CalleeOutcome.NO_ANSWER
        dialed.ring = int(self.ring_seconds())
        dialed.status = STATUSES[outcome]
        if outcome is not CalleeOutcome.ANSWERED:
            self._end()
        elif self._ivr is not None and self._at + 1 == len(self._dialed) - 1:
            self._enter_ivr()
        elif self._at + 1 < len(self._dialed):
            self._ring(self._at + 1)
        else:
            self.state, self.hears = CallState.TALKING, (Sound("speech", dialed.leg.number),)
            self._talk_began = self.setup.now()
            self.timeout = min(self.callee.talk_seconds, self._max_talk)

    def hang_up(self) -> None:
        """It is ended from outside. A leg that rings is CANCEL, or ABANDONE if its caller waits in a queue."""
        if self._ivr is not None and self._reached_ivr:
            self._ivr.hang_up()
            self._follow_ivr()
        elif self.state is CallState.TALKING:
            self._end_talk(int((self.setup.now() - self._talk_began).total_seconds()))
        elif self.state is not CallState.ENDED:
            dialed = self._dialed[self._at]
            dialed.status = ABANDONED if dialed.leg.fields.get("queueid") else CANCEL
            dialed.ring = int((self.setup.now() - dialed.began).total_seconds())
            self._end()

    def _end_talk(self, seconds: int) -> None:
        """The first leg was connected since it answered; the last one talked."""
        waited = 0
        for dialed in reversed(self._dialed):
            dialed.talk = seconds + waited
            waited += dialed.ring
        self._end()

    # --- the IVR ---

    def _enter_ivr(self) -> None:
        self._reached_ivr = True
        self._at = len(self._dialed) - 1
        self._dialed[self._at].began = self.setup.now()
        if self._ivr is not None:
            self._ivr.start()
            self._follow_ivr()

    def _follow_ivr(self) -> None:
        """What the IVR does is what the call does."""
        ivr = self._ivr
        if ivr is None or self.state is CallState.ENDED:
            return
        self.state, self.timeout, self.hears = ivr.state, ivr.timeout, ivr.hears
        self.digits, self.position, self.instruction = ivr.digits, ivr.position, ivr.instruction
        while (request := ivr.next_request()) is not None:
            self._outbox.append(request)
        if ivr.state is CallState.ENDED:
            last, spent = self._dialed[-1], int((self.setup.now() - self._dialed[-1].began).total_seconds())
            last.status, last.talk = ANSWER, spent
            for dialed in self._dialed[:-1]:
                dialed.talk = spent
            self._end()

    # --- reports ---

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Follow the reply to an IVR's question; check that a report was acknowledged."""
        if self._ivr is not None and request.kind != "CDR":
            known = len(self._ivr.faults)
            self._ivr.receive(request, reply)
            self.faults += self._ivr.faults[known:]
            self._follow_ivr()
        else:
            self.faults += check_acknowledgement(request.kind, reply, self.format)

    def _end(self) -> None:
        self.state, self.timeout, self.hears = CallState.ENDED, None, ()
        self._outbox += (request_of("CDR", self._record(one), self.format, asks=False) for one in self._dialed)

    def _record(self, dialed: _Dialed) -> dict[str, Any]:
        leg = dialed.leg
        values = cdr_values(
            self.setup,
            leg.type,
            dialed.status,
            began=int(dialed.began.timestamp()),
            talk=dialed.talk,
            ring=dialed.ring,
        )
        values |= {"caller": leg.shown, "target": leg.number, "did": "", "caller_country": ""}
        values |= {"price": AGOROT_A_MINUTE * -(-dialed.talk // 60), **leg.fields}
        if not self._is_recorded:
            values["record"] = ""
        if values["queueid"] and self.format is Format.JSON:
            values["seconds_waiting_in_queue"] = dialed.ring  # in the JSON CDR only (B-23)
        if self._custom_data:
            values["CustomData"] = self._custom_data
        return values


class _SteeredLeg(IvrCall):
    """The IVR of a call that has legs: its records are those of the legs, and it reports its hang-up alone."""

    def _reports(self, status: str, talk: int) -> list[OutgoingRequest]:
        return [self._hangup_report(status, talk)]
