"""Anveo's API: its definition, and the clients that call it."""

from receiver.providers.anveo.api.definition import AnveoApi

API = AnveoApi()

__all__ = ["API"]
