"""Voicenter: CDR, GET_IVR_ACTION, HANGUP_CALL, the layer IVR and the pop-up screen (API document, revision 3.2)."""

from receiver.providers.voicenter.events import (
    Cdr,
    CdrType,
    HangupCall,
    IvrLayer,
    IvrRequest,
    LayerInput,
    PopupRequest,
)
from receiver.providers.voicenter.ivr_actions import (
    Call,
    Hangup,
    HangupCause,
    IvrError,
    Menu,
    SayDigits,
    SilentRecord,
    Vo,
)
from receiver.providers.voicenter.layer_actions import (
    Dial,
    GoToLayer,
    LayerError,
    LayerSayDigits,
    Spoken,
    Target,
)
from receiver.providers.voicenter.provider import Voicenter
from receiver.providers.voicenter.replies import CdrReply, Contact, HangupCallReply, NoContact, PopupError

PROVIDER = Voicenter

__all__ = [
    "PROVIDER",
    "Call",
    "Cdr",
    "CdrReply",
    "CdrType",
    "Contact",
    "Dial",
    "GoToLayer",
    "Hangup",
    "HangupCall",
    "HangupCallReply",
    "HangupCause",
    "IvrError",
    "IvrLayer",
    "IvrRequest",
    "LayerError",
    "LayerInput",
    "LayerSayDigits",
    "Menu",
    "NoContact",
    "PopupError",
    "PopupRequest",
    "SayDigits",
    "SilentRecord",
    "Spoken",
    "Target",
    "Vo",
    "Voicenter",
]
