"""Settings of Anveo's API, under `[apis.anveo]`."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator

from receiver.providers.base.api.options import ApiOptions, BaseUrl, Credential


def _given(url: str | None) -> str | None:
    if url is None:
        raise ValueError("is missing: Anveo's document names no address (I-46); write the one that Anveo gave you")
    return url


class AnveoApiOptions(ApiOptions):
    """Your user key, and the address of the API."""

    credential_field: ClassVar[str] = "user_key"

    user_key: Credential
    """Authorises every call."""
    base_url: Annotated[BaseUrl, AfterValidator(_given)]
    """The whole address of the API: the document does not have it (I-46)."""
