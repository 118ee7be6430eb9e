"""Spokn's settings, under `[providers.spokn]`."""

from receiver.providers.base.options import ProviderOptions
from receiver.providers.spokn.api_options import SpoknApiOptions


class SpoknOptions(ProviderOptions):
    """Spokn's settings."""

    api: SpoknApiOptions | None = None
    """How to call Spokn's API; None where you do not."""
