"""Voicenter: CDR, GET_IVR_ACTION, HANGUP_CALL, the layer IVR and the pop-up screen (API document, revision 3.2)."""

from typing import TYPE_CHECKING, Any

from receiver.providers.base.api.lazy import client_class
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

if TYPE_CHECKING:
    from receiver.providers.voicenter.api.client import Client
    from receiver.providers.voicenter.api.client_sync import SyncClient

PROVIDER = Voicenter

__all__ = [
    "PROVIDER",
    "Call",
    "Cdr",
    "CdrReply",
    "CdrType",
    "Client",
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
    "SyncClient",
    "Target",
    "Vo",
    "Voicenter",
]

if not TYPE_CHECKING:  # so that a type checker still reports names that do not exist

    def __getattr__(name: str) -> Any:
        """The clients, loaded when they are first asked for."""
        return client_class(__name__, name)
