"""A call in a layer of the provider's IVR, which sends each input to your URL (chapter 12)."""

from collections.abc import Mapping
from typing import ClassVar

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    CalleeOutcome,
    CallSetup,
    Instruction,
    OutgoingRequest,
    ReplyFault,
    Sound,
)
from receiver.providers.voicenter.simulation.call import VoicenterCall, status_of
from receiver.providers.voicenter.simulation.instructions import read_layer_reply

LONGEST_RING, LONGEST_TALK = 60, 7200
"""Seconds where DIAL sets no limit: the defaults of the provider's click-to-call (chapter 1)."""
NOTHING_PRESSED = "0"
"""DTMF if the caller pressed nothing (newer material)."""


class LayerCall(VoicenterCall):
    """A call in a layer. Each layer asks after `digits` keys, or when the caller stops pressing keys."""

    title: ClassVar[str] = "a call in a layer of the provider's IVR"
    options: ClassVar[Mapping[str, str]] = {
        "layer": "the layer that the call starts in; 1 by default",
        "digits": "how many keys a layer collects before it asks; 1 by default",
        "fallback_layer": "the layer to continue in without a usable reply; if not set, the call ends",
    }

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        self._layer, self._previous_layer = self._number("layer", 1), 0
        self._digits_wanted = self._number("digits", 1)
        self._after: dict[str, int | None] = {}

    def _number(self, name: str, usual: int) -> int:
        text = self.setup.options.get(name, str(usual))
        if not text.isdigit():
            raise SimulationError(f"{name} is {text!r}; write a whole number")
        return int(text)

    def start(self) -> None:
        """Enter the first layer, which plays its record."""
        self._began = self.setup.now()
        self._enter(self._layer)

    def _enter(self, layer: int, sounds: tuple[Sound, ...] = ()) -> None:
        if layer != self._layer:
            self._previous_layer, self._layer = self._layer, layer
        self.position = str(layer)
        self._play_menu((*sounds, Sound("recording", f"of layer {layer}")), self._digits_wanted)

    def _ask_next(self) -> None:
        self._ask_layer()

    def _ask_layer(self) -> None:
        values = {
            "DID": self.setup.did,
            "CALLER_ID": self.setup.caller,
            "IVR_UNIQUE_ID": self.call_id,
            "DTMF": self.digits or NOTHING_PRESSED,
            "LAYER_ID": self._layer,
            "PREVIOUS_LAYER_ID": self._previous_layer,
        }
        if self._custom_data:
            values["CUSTOM_DATA"] = self._custom_data
        self._ask("IVR_LAYER_INPUT", values)

    def _read(self, request: OutgoingRequest, reply: HttpReply | None) -> tuple[Instruction | None, list[ReplyFault]]:
        return read_layer_reply(reply, self.format)

    def _follow(self, instruction: Instruction) -> None:
        fields = instruction.fields
        self._custom_data |= fields.get("CUSTOM_DATA", {})
        match instruction.action:
            case "GO_TO_LAYER":
                self._enter(fields["LAYER"])
            case "SAY_DIGITS":
                spoken = (str(one.get("Content", "")) for one in fields["DATA"] if isinstance(one, dict))
                self._enter(fields["NEXT_LAYER"], (Sound("digits", " ".join(spoken)),))
            case "DIAL":
                self._after = {
                    "failed": fields.get("NEXT_VO_ID"),
                    "answered": fields.get("ANSWER_NEXT_VO_ID"),
                    "no_answer": fields.get("UNAVAILABLE_VO_ID", fields.get("UNAVAILABLE_VO")),
                }
                self._dial(
                    ", ".join(one["TARGET"] for one in fields["TARGETS"]),
                    (),
                    max_ring=fields.get("MAX_DIAL_DURATION", LONGEST_RING),
                    max_talk=fields.get("MAX_CALL_DURATION", LONGEST_TALK),
                    is_recorded=fields.get("RECORDING") == "yes",
                )

    def _dial_failed(self, outcome: CalleeOutcome) -> None:
        """Continue in the layer for no answer, else in the layer for a failure (E-16)."""
        layer = self._after.get("no_answer") if outcome is CalleeOutcome.NO_ANSWER else None
        layer = self._after.get("failed") if layer is None else layer
        if layer is None:
            self._end(status_of(outcome))
        else:
            self._enter(layer)

    def _end_talk(self, seconds: int) -> None:
        """Continue in the layer for after an answered call, or end (E-16)."""
        layer = self._after.get("answered")
        if layer is None:
            super()._end_talk(seconds)
        else:
            self._enter(layer)

    def _not_served(self) -> None:
        if "fallback_layer" in self.setup.options:
            self._enter(self._number("fallback_layer", 1))
        else:
            super()._not_served()
