"""Voicenter's side of a call, written from its document: what it sends, and how it follows each reply.

Where the document states nothing, the simulation chooses: how long a record plays, how long it waits for keys, and what
VALIDATION does (C-29).
"""

from receiver.providers.voicenter.simulation.call import VoicenterCall
from receiver.providers.voicenter.simulation.ivr import IvrCall
from receiver.providers.voicenter.simulation.layer import LayerCall
from receiver.providers.voicenter.simulation.popup import PopupCall
from receiver.providers.voicenter.simulation.records import RecordedCall

__all__ = ["IvrCall", "LayerCall", "PopupCall", "RecordedCall", "VoicenterCall"]
