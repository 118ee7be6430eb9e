"""Fields of each event with values as they really come: for tests of handlers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from receiver.providers.base.event import Event
from receiver.providers.base.simulation import new_call_id
from receiver.providers.voicenter.events import Cdr, HangupCall, IvrRequest, LayerInput, PopupRequest

CALLER, DID, TARGET = "0523574321", "0730000000", "0501234567"
EXTENSION, REPRESENTATIVE = "AAPINFzL", "דנה לוי"
STARTED = 1_764_072_000
"""2025-11-25 12:00 UTC."""


def examples() -> Mapping[type[Event], Mapping[str, Any]]:
    """By event class; each call of the function gives other call ids."""
    return {
        Cdr: {
            "caller": CALLER,
            "target": EXTENSION,
            "time": STARTED,
            "duration": 95,
            "ivr_unique_id": new_call_id(),
            "type": "Incoming Call",
            "status": "ANSWER",
            "target_extension": EXTENSION,
            "did": DID,
            "record": "https://recordings.example.com/2025112512000001.mp3",
            "price": Decimal(14),
            "dial_time": 12,
            "representative_name": REPRESENTATIVE,
            "representative_code": "9996",
            "target_extension_name": REPRESENTATIVE,
            "caller_country": "Israel",
        },
        IvrRequest: {
            "caller_id": CALLER,
            "caller_name": "יוסי כהן",
            "did": DID,
            "menu": "-1",
            "previous_menu": "-1",
            "ivr_unique_id": new_call_id(),
        },
        HangupCall: {
            "caller_id": CALLER,
            "did": DID,
            "ivr_unique_id": new_call_id(),
            "target": TARGET,
            "call_time_epoch": STARTED + 15,
            "call_start_epoch": STARTED,
            "call_duration": 125,
            "call_dialtime": 15,
            "call_status": "ANSWERED",
        },
        LayerInput: {
            "did": DID,
            "caller_id": CALLER,
            "ivr_unique_id": new_call_id(),
            "dtmf": "1",
            "layer_id": 8,
            "previous_layer_id": 4,
        },
        PopupRequest: {
            "phone": CALLER,
            "ivr_unique_id": new_call_id(),
            "exten_user": EXTENSION,
            "did": DID,
            "status": "Ringing",
        },
    }
