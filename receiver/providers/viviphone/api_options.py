"""Settings of ViviPhone's API, under `[apis.viviphone]`."""

from typing import ClassVar

from receiver.providers.base.api.options import ApiOptions, Credential, SafeBaseUrl


class ViviPhoneApiOptions(ApiOptions):
    """Your API key, and how to call the API."""

    credential_field: ClassVar[str] = "key"

    key: Credential
    """Authorises every call. It goes over HTTPS alone (chapter 1.3)."""
    base_url: SafeBaseUrl = None
    """Takes the place of https://www.viviphone.com, for a sandbox or a proxy."""
