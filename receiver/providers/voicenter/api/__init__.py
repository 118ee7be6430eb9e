"""Voicenter's API: its definition, and the clients that call it."""

from receiver.providers.voicenter.api.definition import VoicenterApi

API = VoicenterApi()

__all__ = ["API"]
