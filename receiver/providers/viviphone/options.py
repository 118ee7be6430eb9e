"""ViviPhone's options: those of its API alone."""

from receiver.providers.base.options import ProviderOptions
from receiver.providers.viviphone.api_options import ViviPhoneApiOptions


class ViviPhoneOptions(ProviderOptions):
    """Made from `[apis.viviphone]`: what only callbacks need keeps its default."""

    api: ViviPhoneApiOptions | None = None
    """How to call ViviPhone's API; None where you do not."""
