"""What calls to Voicenter's IVRs have in common: input, dialling, and the reports at the end."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    INPUT_SECONDS,
    CalleeOutcome,
    CallSetup,
    CallState,
    Instruction,
    OutgoingRequest,
    ReplyFault,
    SimulatedCall,
    Sound,
)
from receiver.providers.voicenter.simulation.instructions import check_acknowledgement
from receiver.providers.voicenter.simulation.records import STATUSES, cdr_values
from receiver.providers.voicenter.simulation.requests import request_of
from receiver.wire import Format

RECORD_SECONDS = 3.0
"""The assumed length of a record: the document states none, and the simulation has no records."""
SILENCE = {"", "blank"}
"""Names of records that play nothing (C-18)."""


class VoicenterCall(SimulatedCall):
    """An incoming call to an IVR. It ends with a CDR, and with a HANGUP_CALL if your own IVR steered it (D-12)."""

    formats: ClassVar[tuple[Format, ...]] = (Format.XMLRPC, Format.JSON)

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        self._began = setup.now()
        self._dialed_at = self._began
        self._talk_began = self._began
        self._size = 0
        self._rounds_left = 0
        self._menu_sounds: tuple[Sound, ...] = ()
        self._max_ring = self._max_talk = 0
        self._target = ""
        self._ring_seconds = 0
        self._is_recorded = False
        self._custom_data: dict[str, str] = {}

    # --- what the caller does ---

    def press(self, key: str) -> bool:
        """A key in a menu, which also cuts off what is played; elsewhere keys have no effect."""
        super().press(key)
        if self.state is not CallState.MENU or len(self.digits) >= self._size:
            return False
        self.hears = ()
        self.digits += key
        self.timeout = INPUT_SECONDS
        if len(self.digits) >= self._size:
            self._end_input()
        return True

    def wait(self) -> None:
        """The played record ends, the callee picks up or not, or the conversation ends."""
        match self.state:
            case CallState.MENU:
                self._end_input()
            case CallState.DIALING:
                self._end_ringing()
            case CallState.TALKING:
                self._end_talk(int(self.timeout or 0))
            case CallState.RECORDING:
                self._end("ANSWER", talk=int(self.timeout or 0))

    def hang_up(self) -> None:
        """The caller hangs up. In an IVR that is VOEND, while it rings CANCEL (chapter 4)."""
        match self.state:
            case CallState.NEW | CallState.ENDED:
                return
            case CallState.DIALING:
                self._ring_seconds = self._seconds_since(self._dialed_at)
                self._end("CANCEL")
            case CallState.TALKING | CallState.RECORDING:
                self._end("ANSWER", talk=self._seconds_since(self._talk_began))
            case _:
                self._end("VOEND")

    # --- menus ---

    def _play_menu(self, sounds: Sequence[Sound], size: int, rounds: int = 1) -> None:
        """Play records and collect up to `size` digits; repeat after an incomplete entry, up to `rounds` times."""
        self.state = CallState.MENU
        self.hears = self._menu_sounds = tuple(sounds)
        self.digits = ""
        self._size = size
        self._rounds_left = rounds
        played = sum(one.times * RECORD_SECONDS + (one.times - 1) * one.pause for one in sounds)
        self.timeout = played + (INPUT_SECONDS if size else 0)

    def _end_input(self) -> None:
        self._rounds_left -= 1
        if self._rounds_left > 0 and 0 < len(self.digits) < self._size:
            self._play_menu(self._menu_sounds, self._size, self._rounds_left)
            return
        self._ask_next()

    @abstractmethod
    def _ask_next(self) -> None:
        """The input is complete, or the caller pressed nothing: send the next question."""

    def _ask(self, kind: str, values: Mapping[str, Any]) -> None:
        self.state, self.hears, self.timeout = CallState.ASKING, (), None
        self._outbox.append(request_of(kind, values, self.format, asks=True))

    # --- dialling ---

    def _dial(self, target: str, sounds: Sequence[Sound], *, max_ring: int, max_talk: int, is_recorded: bool) -> None:
        self.state = CallState.DIALING
        self.hears = (*sounds, Sound("ringing", target))
        self._target, self._max_ring, self._max_talk = target, max_ring, max_talk
        self._is_recorded = is_recorded
        self._dialed_at = self.setup.now()
        self.timeout = self.ring_seconds()

    def ring_seconds(self) -> float:
        """Without an answer it rings as long as the reply allows."""
        if self.callee.outcome is CalleeOutcome.NO_ANSWER:
            return self._max_ring
        return min(self.callee.ring_seconds, self._max_ring)

    def _end_ringing(self) -> None:
        """The callee picks up in time, or the dialling has failed."""
        self._ring_seconds = int(self.ring_seconds())
        outcome = self.callee.outcome
        if outcome is CalleeOutcome.ANSWERED and self.callee.ring_seconds > self._max_ring:
            outcome = CalleeOutcome.NO_ANSWER
        if outcome is not CalleeOutcome.ANSWERED:
            self._dial_failed(outcome)
            return
        self.state, self.hears = CallState.TALKING, (Sound("speech", self._target),)
        self._talk_began = self.setup.now()
        self.timeout = min(self.callee.talk_seconds, self._max_talk)

    @abstractmethod
    def _dial_failed(self, outcome: CalleeOutcome) -> None:
        """The call was not answered: continue as the reply says, or end the call."""

    def _end_talk(self, seconds: int) -> None:
        self._end("ANSWER", talk=seconds)

    # --- replies ---

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Follow the reply to a question; check that a report was acknowledged."""
        if not request.asks:
            self.faults += check_acknowledgement(request.kind, reply, self.format)
            return
        instruction, faults = self._read(request, reply)
        self.faults += faults
        self.instruction = instruction
        if self.state is not CallState.ASKING:
            return  # the caller has hung up meanwhile
        if instruction is None:
            self._not_served()
        else:
            self._follow(instruction)

    @abstractmethod
    def _read(self, request: OutgoingRequest, reply: HttpReply | None) -> tuple[Instruction | None, list[ReplyFault]]:
        """The instruction in a reply, and its faults."""

    @abstractmethod
    def _follow(self, instruction: Instruction) -> None:
        """Follow an instruction."""

    def _not_served(self) -> None:
        """The reply could not be followed: the document states nothing, so the call ends."""
        self._end("TE")

    # --- the end ---

    def _end(self, status: str, *, talk: int = 0) -> None:
        self.state, self.hears, self.timeout = CallState.ENDED, (), None
        self._outbox.extend(self._reports(status, talk))

    def _reports(self, status: str, talk: int) -> list[OutgoingRequest]:
        values = cdr_values(
            self.setup, "Incoming Call", status, began=_epoch(self._began), talk=talk, ring=self._ring_seconds
        )
        values["target"] = self._target or self.setup.did
        if not self._is_recorded:
            values["record"] = ""
        if self._custom_data:
            values["CustomData"] = self._custom_data  # chapter 12: kept, and sent with the call's CDR
        return [request_of("CDR", values, self.format, asks=False)]

    def _hangup_report(self, status: str, talk: int) -> OutgoingRequest:
        """HANGUP_CALL (chapter 5.2). It lists no status for a call that dialled no target: NOTDIALED, as in a CDR."""
        words = {"ANSWER": "ANSWERED", "VOEND": "NOTDIALED", "TE": "NOTDIALED"}
        values = {
            "DID": self.setup.did,
            "CALLER_ID": self.setup.caller,
            "IVR_UNIQUE_ID": self.call_id,
            "TARGET": self._target,
            "CALL_TIME_EPOCH": _epoch(self._dialed_at),
            "CALL_START_EPOCH": _epoch(self._began),
            "CALL_DURATION": max(talk, self._seconds_since(self._began)),
            "CALL_DAILTIME": self._ring_seconds,
            "CALL_STATUS": words.get(status, status),
        }
        return request_of("HANGUP_CALL", values, self.format, asks=False)

    def _seconds_since(self, moment: datetime) -> int:
        return int((self.setup.now() - moment).total_seconds())


def status_of(outcome: CalleeOutcome) -> str:
    """The status of a call that was dialled."""
    return STATUSES[outcome]


def recording(name: str, times: int = 1, pause: int = 0) -> tuple[Sound, ...]:
    """A record that is played, unless its name means silence or it is played zero times."""
    return () if name in SILENCE or times < 1 else (Sound("recording", name, times, pause),)


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
