"""Voicenter's side of a call, written from its document: what it sends, and what it makes of each reply.

Where the document is silent the simulation chooses, and says so: how long a record takes, when a silent caller counts
as silent, and what VALIDATION does (C-29).
"""

from receiver.providers.voicenter.simulation.call import VoicenterCall
from receiver.providers.voicenter.simulation.ivr import IvrCall
from receiver.providers.voicenter.simulation.layer import LayerCall
from receiver.providers.voicenter.simulation.popup import PopupCall
from receiver.providers.voicenter.simulation.records import RecordedCall

__all__ = ["IvrCall", "LayerCall", "PopupCall", "RecordedCall", "VoicenterCall"]
