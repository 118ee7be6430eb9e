"""A call that your own IVR controls by its replies to GET_IVR_ACTION (chapter 5)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    CalleeOutcome,
    CallSetup,
    CallState,
    Instruction,
    OutgoingRequest,
    ReplyFault,
    Sound,
)
from receiver.providers.voicenter.simulation.call import recording, status_of
from receiver.providers.voicenter.simulation.instructions import read_ivr_reply
from receiver.providers.voicenter.simulation.layer import LayerCall

START = "-1"
"""MENU and PREVIOUS_MENU of the first question (C-07)."""
LONGEST_RECORDING = 3600
"""Seconds where SILENTRECORD sets no limit."""


class IvrCall(LayerCall):
    """A call to your own IVR. After VO it continues in a layer of the provider's IVR, as `LayerCall` does."""

    title: ClassVar[str] = "a call to your own IVR"

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        self._menu = self._previous_menu = START
        self._is_in_layer = False
        self._next_menu: Mapping[str, Any] = {}

    def start(self) -> None:
        """The first question."""
        self._began = self._dialed_at = self.setup.now()
        self._ask_ivr()

    def _ask_ivr(self) -> None:
        values = {
            "DID": self.setup.did,
            "CALLER_ID": self.setup.caller,
            "CALLER_NAME": self.setup.caller_name or self.setup.caller,
            "IVR_UNIQUE_ID": self.call_id,
            "DTMF": self.digits,
            "MENU": self._menu,
            "PREVIOUS_MENU": self._previous_menu,
        }
        self._ask("GET_IVR_ACTION", values)

    def _ask_next(self) -> None:
        if self._is_in_layer:
            self._ask_layer()
        else:
            self._ask_ivr()

    def _read(self, request: OutgoingRequest, reply: HttpReply | None) -> tuple[Instruction | None, list[ReplyFault]]:
        if request.kind == "IVR_LAYER_INPUT":
            return super()._read(request, reply)
        return read_ivr_reply(reply, self.format)

    def _follow(self, instruction: Instruction) -> None:
        if self._is_in_layer:
            super()._follow(instruction)
            return
        fields = instruction.fields
        match instruction.action:
            case "MENU":
                self._collect(fields, recording(fields.get("REC", ""), fields.get("LOOP", 1), fields.get("DELAY", 0)))
            case "SAYDIGITS":
                self._collect(fields, _spoken_digits(fields))
            case "CALL":
                self._call(fields)
            case "SILENTRECORD":
                self._record(fields)
            case "VO":
                self._is_in_layer = True
                played = recording(fields.get("RECORD", ""), fields.get("LOOP", 1), fields.get("DELAY", 0))
                self._enter(fields["LAYER"], played)
            case "HANGUP":
                self._end("TE")  # chapter 4: a record was played, then the IVR hung up

    def _collect(self, fields: Mapping[str, Any], sounds: tuple[Sound, ...]) -> None:
        """Play and collect digits. With VALIDATION an incomplete entry is repeated, up to LOOP times (C-29)."""
        self._go_to_menu(fields["MENU"])
        rounds = max(1, fields.get("LOOP", 1)) if fields.get("VALIDATION") else 1
        self._play_menu(sounds, fields.get("SIZE", 0), rounds)

    def _go_to_menu(self, menu: str) -> None:
        """The menu of the reply is that of the next question, and the one before it becomes the previous one (C-32)."""
        self._previous_menu, self._menu = self._menu, menu
        self.position = menu

    def _call(self, fields: Mapping[str, Any]) -> None:
        self._next_menu = fields if fields.get("NEXT_MENU") else {}
        music = fields.get("MOH_CLASS", "")
        self._dial(
            fields["TARGET"],
            (*recording(fields.get("CALLER_REC", "")), *((Sound("music", music),) if music else ())),
            max_ring=fields.get("CALL_MAX_DIAL", 0),
            max_talk=fields.get("CALL_MAX", 0),
            is_recorded=bool(fields.get("REC_STATUS")),
        )

    def _dial_failed(self, outcome: CalleeOutcome) -> None:
        """Continue in NEXT_MENU, after its record; without one the caller is disconnected (C-22)."""
        if self._is_in_layer:
            super()._dial_failed(outcome)
        elif not self._next_menu:
            self._end(status_of(outcome))
        else:
            fields = self._next_menu
            self._go_to_menu(fields["NEXT_MENU"])
            played = recording(
                fields.get("NEXT_MENU_RECORD", ""), fields.get("NEXT_MENU_LOOP", 1), fields.get("NEXT_MENU_WAIT", 0)
            )
            self._play_menu(played, fields.get("NEXT_MENU_SIZE", 0))
            if not (played or self._size):
                self._ask_next()

    def _record(self, fields: Mapping[str, Any]) -> None:
        self.state = CallState.RECORDING
        self.hears = (*recording(fields.get("REC", "")), Sound("silence", "being recorded"))
        self._is_recorded = True
        self._talk_began = self.setup.now()
        self.timeout = fields.get("MAXDURATION", LONGEST_RECORDING)

    def _reports(self, status: str, talk: int) -> list[OutgoingRequest]:
        """HANGUP_CALL, then the CDR."""
        return [self._hangup_report(status, talk), *super()._reports(status, talk)]


def _spoken_digits(fields: Mapping[str, Any]) -> tuple[Sound, ...]:
    """REC, then SAYDIGITSRECORD and the digits; all but digits are ignored (C-13)."""
    digits = "".join(filter(str.isdigit, fields["DIGITS"]))
    times, pause = fields.get("LOOP", 1), fields.get("DELAY", 0)
    return (
        *recording(fields.get("REC", ""), times, pause),
        *recording(fields.get("SAYDIGITSRECORD", "")),
        Sound("digits", " ".join(digits)),
    )
