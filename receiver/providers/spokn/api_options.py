"""Settings of Spokn's API, under `[providers.spokn.api]`."""

import base64
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from receiver.providers.base.api.options import ApiOptions, Credential, Word


class SpoknApiOptions(ApiOptions):
    """Your Spokn ID and its password, and how to call the API."""

    credential_field: ClassVar[str] = ""

    user: Annotated[Word, Field(min_length=1, pattern=r"^[^:\x00-\x1f]+$")]
    """Spokn ID that calls are made with."""
    password: Credential
    """Its password."""

    @property
    def headers(self) -> dict[str, SecretStr]:
        """HTTP basic authentication ("Security")."""
        pair = f"{self.user}:{self.password.get_secret_value()}".encode()
        return {"authorization": SecretStr(f"Basic {base64.b64encode(pair).decode()}")}
