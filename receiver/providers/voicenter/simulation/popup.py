"""The pop-up screen's question (chapter 2)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import CallState, Instruction, OutgoingRequest, SimulatedCall
from receiver.providers.voicenter.simulation.instructions import read_values
from receiver.providers.voicenter.simulation.requests import request_of
from receiver.wire import Format

FIELDS = ("STATUS", "URL", "CLIENTNAME", "TOTAL", "COMPANY")
"""All are strings (F-03)."""


class PopupCall(SimulatedCall):
    """A call rings at an extension, and its user's browser asks which contact is calling."""

    title: ClassVar[str] = "the question of the pop-up screen"
    formats: ClassVar[tuple[Format, ...]] = (Format.QUERY, Format.FORM, Format.JSON)
    options: ClassVar[Mapping[str, str]] = {
        "status": "Ringing, Talking, Hangup or Dialing; Ringing by default",
        "extension": "the extension user whose screen it is",
    }

    def start(self) -> None:
        """Send the question. The state is `statusCall` in a query and `status` in a body (F-02)."""
        self.state = CallState.ASKING
        status = "statusCall" if self.format is Format.QUERY else "status"
        values = {
            "phone": self.setup.caller,
            "ivrid": self.call_id,
            "extenUser": self.setup.options.get("extension", "AAPINFzL"),
            "did": self.setup.did,
            status: self.setup.options.get("status", "Ringing"),
        }
        self._outbox.append(request_of("POPUP", values, self.format, asks=True, target="/popup"))

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Check the five fields; STATUS must be exactly "OK"."""
        self.state = CallState.ENDED
        values, faults = read_values(reply, Format.JSON)
        for name in FIELDS if values else ():
            if not isinstance(values.get(name), str):
                faults.add(f"{name} is {values.get(name)!r}, not a string", "F-03")
        if values and values.get("STATUS") != "OK":
            faults.add(f'STATUS is {values.get("STATUS")!r}; no bubble pops up unless it is "OK"', "F-04")
        self.faults += faults
        self.instruction = Instruction("CONTACT" if _found(values) else "NO_CONTACT", values) if values else None

    def wait(self) -> None:
        """Nothing more happens."""

    def hang_up(self) -> None:
        """The bubble is closed."""
        self.state = CallState.ENDED


def _found(values: Mapping[str, Any]) -> bool:
    return str(values.get("TOTAL", "0")) not in {"", "0"}
