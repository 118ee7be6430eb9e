"""Spokn's API: its definition, and the clients that call it."""

from receiver.providers.spokn.api.definition import SpoknApi

API = SpoknApi()

__all__ = ["API"]
