"""The settings that every provider has."""

import re
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from receiver.providers.base.api.options import ApiOptions
from receiver.settings import Network, Password, Secret, split_at_commas


def _path(path: str) -> str:
    if not re.fullmatch(r"(/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?", path):
        raise ValueError(
            f"{path!r} is not a path; write one such as /calls, of letters, digits and the signs . _ ~ - /"
        )
    return path


class ProviderOptions(BaseModel):
    """Settings that every provider has, under `[providers.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_path)] = ""
    """Where its callbacks arrive; "/NAME" when empty (A-27)."""
    secrets: Annotated[tuple[Secret, ...] | None, BeforeValidator(split_at_commas)] = None
    """Secrets in the path, for this provider only; else the receiver's."""
    passwords: Annotated[tuple[Password, ...] | None, BeforeValidator(split_at_commas)] = None
    """`user:password` pairs, for this provider only; else the receiver's."""
    allow_from: Annotated[tuple[Network, ...] | None, BeforeValidator(split_at_commas)] = None
    """Addresses and networks that this provider may call from; else the receiver's."""

    api: ApiOptions | None = None
    """How to call the provider's API; None where you do not."""

    @model_validator(mode="before")
    @classmethod
    def _read_lists(cls, values: Any) -> Any:
        """Parse lists and tables from environment variables, where they are JSON."""
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
