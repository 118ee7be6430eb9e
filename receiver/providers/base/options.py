"""The settings that every provider has."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from receiver.providers.base.api.options import ApiOptions
from receiver.settings import Secret


class ProviderOptions(BaseModel):
    """Settings that every provider has, under `[providers.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, Field(pattern=r"^(/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?$")] = ""
    """Where its callbacks arrive; "/NAME" when empty (A-27)."""
    secrets: tuple[Secret, ...] | None = None
    """Secrets in the path of this provider alone; else the receiver's."""
    passwords: tuple[SecretStr, ...] | None = None
    """`user:password` pairs for this provider alone; else the receiver's."""
    allow_from: tuple[IPv4Network | IPv6Network, ...] | None = None
    """Addresses and networks this provider alone may call from; else the receiver's."""

    api: ApiOptions | None = None
    """How to call the provider's API; None where you do not."""

    @model_validator(mode="before")
    @classmethod
    def _read_lists(cls, values: Any) -> Any:
        """Lists and tables come from environment variables as JSON."""
        if not isinstance(values, dict):
            return values
        return {name: _from_json(value) for name, value in values.items()}


def _from_json(value: Any) -> Any:
    if not (isinstance(value, str) and value.lstrip().startswith(("[", "{"))):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
