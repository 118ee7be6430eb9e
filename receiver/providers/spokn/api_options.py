"""Settings of Spokn's API, under `[providers.spokn.api]`."""

import base64
from typing import Annotated, ClassVar

from pydantic import AfterValidator, SecretStr

from receiver.providers.base.api.options import ApiOptions, Credential, Word


def _user(text: str) -> str:
    if not text or ":" in text or not text.isprintable():
        raise ValueError("write a Spokn ID, such as 1234567")
    return text


class SpoknApiOptions(ApiOptions):
    """Your Spokn ID and its password, and how to call the API."""

    credential_field: ClassVar[str] = ""

    user: Annotated[Word, AfterValidator(_user)]
    """Spokn ID that calls are made with."""
    password: Credential
    """Its password."""

    @property
    def headers(self) -> dict[str, SecretStr]:
        """HTTP basic authentication ("Security")."""
        pair = f"{self.user}:{self.password.get_secret_value()}".encode()
        return {"authorization": SecretStr(f"Basic {base64.b64encode(pair).decode()}")}
