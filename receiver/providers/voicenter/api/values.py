"""Parameters that several of Voicenter's calls share, and what their results have in common."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from receiver.providers.base import coerce
from receiver.providers.base.api.errors import AuthorisationError, ErrorTable, ProviderFailureError
from receiver.providers.base.api.parameters import without_separators
from receiver.providers.base.event import Reads, WireModel

_PREFIX = "var_"


def _without_plus(value: object) -> object:
    """A number without its plus sign and without separators; an extension's code as it is."""
    plain = without_separators(value)
    return plain.removeprefix("+") if isinstance(plain, str) else plain


Number = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.*#@-]+$"), BeforeValidator(_without_plus)]
"""A phone number as 0… or with its country code, or an extension's code. A plus sign is taken away (I-08)."""


def _names(value: object) -> object:
    """Custom parameters with or without their prefix."""
    if isinstance(value, dict):
        return {str(name).removeprefix(_PREFIX): item for name, item in value.items()}
    return value


VariableName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_]+$")]
Variables = Annotated[dict[VariableName, str | int], BeforeValidator(_names)]
"""Custom parameters by name, with or without `var_`."""
VariableValues = Annotated[dict[VariableName, str | int], Field(max_length=10), BeforeValidator(_names)]
"""The same, at most 10 of them (I-10)."""


def prefixed(values: dict[str, Any]) -> dict[str, Any]:
    """Custom parameters with their prefix."""
    return {f"{_PREFIX}{name}": value for name, value in values.items()}


class VoicenterResult(WireModel):
    """What every reply has."""

    error_code: Annotated[int | None, Reads(coerce.integer, ("ERRORCODE", "ERROR_NUMBER", "ERR"))] = None
    """0: errors are raised."""
    description: Annotated[str, Reads(coerce.text, ("ERRORMESSAGE", "ERROR_DESCRIPTION", "DESC"))] = ""
    """What the provider says of the call."""


MONITOR_ERRORS: ErrorTable = {
    1: (AuthorisationError, "Authorization failed."),
    2: (ProviderFailureError, "Internal error."),
}
"""ERR of active calls and of the extension list (chapters 7 and 8)."""
