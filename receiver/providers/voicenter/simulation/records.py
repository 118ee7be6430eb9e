"""The CDRs of a call, for each call type of chapter 4."""

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import (
    CalleeOutcome,
    CallSetup,
    CallState,
    OutgoingRequest,
    SimulatedCall,
)
from receiver.providers.voicenter.events import CdrType
from receiver.providers.voicenter.simulation.instructions import check_acknowledgement
from receiver.providers.voicenter.simulation.requests import request_of
from receiver.wire import Format

EXTENSION, EXTENSION_NAME = "AAPINFzL", "Walter Melon"
"""The firm's extension, as the document's samples name it."""
AGOROT_A_MINUTE = 7
STATUSES = {
    CalleeOutcome.ANSWERED: "ANSWER",
    CalleeOutcome.BUSY: "BUSY",
    CalleeOutcome.NO_ANSWER: "NOANSWER",
    CalleeOutcome.REJECTED: "CANCEL",
    CalleeOutcome.UNAVAILABLE: "CHANUNAVAIL",
    CalleeOutcome.INVALID_NUMBER: "CONGESTION",
}
"""The status of a dialled call by its outcome (chapter 4)."""


def cdr_values(
    setup: CallSetup, type_: str, status: str, *, began: int, talk: int = 0, ring: int = 0
) -> dict[str, Any]:
    """The fields of an incoming call's CDR in the order of the document's table; `began` is an epoch."""
    answered = status == "ANSWER"
    return {
        "caller": setup.caller,
        "target": setup.did,
        "time": began,
        "duration": talk,
        "ivruniqueid": setup.call_id,
        "type": type_,
        "status": status,
        "targetextension": "",
        "callerextension": "",
        "did": setup.did,
        "queueid": 0,
        "queuename": "",
        "record": f"https://recordings.example.com/{setup.call_id}.mp3" if answered else "",
        "price": AGOROT_A_MINUTE * -(-talk // 60),
        "dialtime": ring,
        "representative_name": "",
        "representative_code": "",
        "targetextension_name": "",
        "callerextension_name": "",
        "target_country": "",
        "caller_country": "Israel",
    }


_ANSWERED_BY_EXTENSION = {
    "target": EXTENSION,
    "targetextension": EXTENSION,
    "targetextension_name": EXTENSION_NAME,
    "representative_name": EXTENSION_NAME,
    "representative_code": "9996",
}
_MADE_BY_EXTENSION = {
    "callerextension": EXTENSION,
    "callerextension_name": EXTENSION_NAME,
    "representative_name": EXTENSION_NAME,
    "representative_code": "9996",
    "did": "",
    "target_country": "Israel",
    "caller_country": "",
}
_QUEUE = {**_ANSWERED_BY_EXTENSION, "queueid": 12345, "queuename": "Service Queue"}
_LEG1 = {"target": EXTENSION, "targetextension": EXTENSION, "targetextension_name": EXTENSION_NAME, "did": ""}

_T = CdrType
_LEAVES: Mapping[CdrType, tuple[tuple[CdrType, Mapping[str, Any]], ...]] = {
    _T.INCOMING_CALL: ((_T.INCOMING_CALL, _ANSWERED_BY_EXTENSION),),
    _T.CALLING_CARD: ((_T.CALLING_CARD, {}),),
    _T.EXTENSION_OUTGOING: ((_T.EXTENSION_OUTGOING, _MADE_BY_EXTENSION),),
    _T.QUEUE: ((_T.QUEUE, _QUEUE),),
    _T.CLICK2CALL_LEG1: ((_T.CLICK2CALL_LEG1, _LEG1), (_T.CLICK2CALL_LEG2, _MADE_BY_EXTENSION)),
    _T.VOICEMAIL: ((_T.VOICEMAIL, {}),),
    _T.CALLFERENCE: ((_T.CALLFERENCE, {}),),
    _T.TRANSFER: ((_T.INCOMING_CALL, _ANSWERED_BY_EXTENSION), (_T.TRANSFER, {"target": "0501234567"})),
    _T.PRODUCTIVE_CALL_LEG1: ((_T.PRODUCTIVE_CALL_LEG1, _LEG1), (_T.PRODUCTIVE_CALL_LEG2, _MADE_BY_EXTENSION)),
    _T.SCRUBBER: ((_T.SCRUBBER, _MADE_BY_EXTENSION),),
    _T.CLICK2IVR: ((_T.CLICK2IVR, _LEG1), (_T.CLICK2IVR_INCOMING, {"did": ""})),
    _T.CLICK2QUEUE_INCOMING: ((_T.CLICK2IVR, _LEG1), (_T.CLICK2QUEUE_INCOMING, {**_QUEUE, "did": ""})),
    _T.FAX: ((_T.FAX, _MADE_BY_EXTENSION),),
    _T.ATTENDED_LEG1: (
        (_T.INCOMING_CALL, _ANSWERED_BY_EXTENSION),
        (_T.ATTENDED_LEG1, _MADE_BY_EXTENSION),
        (_T.ATTENDED_LEG2, {**_ANSWERED_BY_EXTENSION, "target": "BBPINFzL", "targetextension": "BBPINFzL"}),
    ),
    _T.AUTO_FORWARD: ((_T.AUTO_FORWARD, {"target": "0501234567"}),),
}
"""The CDRs of a call by its first type. Both legs of a click-to-call share the call id (B-25)."""
_SAME = {
    _T.CLICK2CALL_LEG2: _T.CLICK2CALL_LEG1,
    _T.PRODUCTIVE_CALL_LEG2: _T.PRODUCTIVE_CALL_LEG1,
    _T.CLICK2IVR_INCOMING: _T.CLICK2IVR,
    _T.ATTENDED_LEG2: _T.ATTENDED_LEG1,
}
_FOLLOWS = {_T.TRANSFER, _T.ATTENDED_LEG1, _T.ATTENDED_LEG2}
"""Types of calls that come from another call: they have an id of their own, and name the first one's (B-05)."""


class RecordedCall(SimulatedCall):
    """A call of any type of chapter 4, without questions: it only leaves its CDRs."""

    title: ClassVar[str] = "a call that only leaves its records"
    formats: ClassVar[tuple[Format, ...]] = (Format.XMLRPC, Format.JSON, Format.FORM)
    options: ClassVar[Mapping[str, str]] = {
        "type": 'the call type of chapter 4, such as "Incoming Call", "Queue" or "Click2Call leg1"',
        "status": "the status of chapter 4, such as ABANDONE; by default that of the dialled side's outcome",
    }

    def __init__(self, setup: CallSetup) -> None:
        super().__init__(setup)
        wanted = CdrType.of(setup.options.get("type", CdrType.INCOMING_CALL))
        if wanted is CdrType.UNKNOWN:
            types = ", ".join(member for member in CdrType if member)
            raise SimulationError(f"{setup.options['type']!r} is not a call type; there are {types}")
        self._type = _SAME.get(wanted, wanted)

    def start(self) -> None:
        """The call happens, and its records are sent."""
        self.state = CallState.ENDED
        self._outbox.extend(request_of("CDR", values, self.format, asks=False) for values in self.records())

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The first call's id, and those of the calls that followed from it."""
        return tuple(dict.fromkeys(str(values["ivruniqueid"]) for values in self.records()))

    def records(self) -> list[dict[str, Any]]:
        """The fields of each CDR, first legs first."""
        status = self.setup.options.get("status") or STATUSES[self.callee.outcome]
        talk = int(self.callee.talk_seconds) if status == "ANSWER" else 0
        ring, began = int(self.callee.ring_seconds), int(self.setup.now().timestamp())
        found = []
        for number, (type_, fields) in enumerate(_LEAVES[self._type]):
            values = cdr_values(self.setup, type_, status, began=began + number, talk=talk, ring=ring) | dict(fields)
            if type_ in _FOLLOWS:
                values |= {"ivruniqueid": f"{self.call_id}{number}", "OriginalivrUniqueID": self.call_id}
            if values["queueid"] and self.format is Format.JSON:
                values["seconds_waiting_in_queue"] = ring  # in the JSON CDR only (B-23)
            found.append(values)
        return found

    def receive(self, request: OutgoingRequest, reply: HttpReply | None) -> None:
        """Check the acknowledgement."""
        self.faults += check_acknowledgement(request.kind, reply, self.format)

    def wait(self) -> None:
        """Nothing more happens."""

    def hang_up(self) -> None:
        """The call has ended already."""
