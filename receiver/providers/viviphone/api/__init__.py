"""ViviPhone's API: its definition, and the clients that call it."""

from receiver.providers.viviphone.api.definition import ViviPhoneApi

API = ViviPhoneApi()

__all__ = ["API"]
