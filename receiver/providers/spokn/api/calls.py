"""Spokn's click-to-call service (technical reference, "API reference")."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.errors import (
    AuthorisationError,
    BadParameterError,
    CreditError,
    ErrorTable,
    NotFoundError,
    ProviderFailureError,
    UnsupportedDestinationError,
)
from receiver.providers.base.api.parameters import (
    LINE,
    MINUTE,
    SECOND,
    Parameters,
    Sent,
    WebAddress,
    as_minutes,
    as_seconds,
    counted_in,
    within,
    without_separators,
)
from receiver.providers.base.event import Integer, Text, WireModel

NAMESPACE = "http://api.spokn.com/api/c2c.xsd"
OK = 200

ERRORS: ErrorTable = {
    100: (NotFoundError, "Resource not found"),
    101: (AuthorisationError, "Authentication failed"),
    102: (BadParameterError, "Invalid input parameters"),
    103: (BadParameterError, "Bad aparty number"),
    104: (BadParameterError, "Bad bparty number"),
    105: (ProviderFailureError, "Unable to fetch credits information"),
    106: (UnsupportedDestinationError, "aparty destination not supported"),
    107: (UnsupportedDestinationError, "bparty destination not supported"),
    108: (CreditError, "Insufficient credits for call"),
    109: (BadParameterError, "Token length exceeded. Max length is 128 characters."),
}
"""The element `code` (technical reference, "Response"); with which HTTP status is not said (G-15)."""


Minutes = Annotated[timedelta | int, counted_in(MINUTE), within(MINUTE, 1, 60, "whole minutes, 1 to 60")]
Pause = Annotated[timedelta | int, counted_in(SECOND), within(SECOND, 0, 10, "whole seconds, 0 to 10")]
Party = Annotated[str, Field(pattern=r"^\+?[0-9]{3,20}$"), BeforeValidator(without_separators)]
"""A phone number with its country code and a plus sign, or a Spokn ID."""


class CallParameters(Parameters):
    """`aparty` is rung first; on answer `bparty` is rung and both are connected."""

    aparty: Annotated[Party, Sent("aparty")]
    """Rung first: a number such as +15550100, or a Spokn ID."""
    bparty: Annotated[Party, Sent("bparty")]
    """Rung second."""
    aparty_caller_id: Annotated[Party | None, Sent("apartycid")] = None
    """Number that `aparty` sees; Enterprise users only."""
    bparty_caller_id: Annotated[Party | None, Sent("bpartycid")] = None
    """Number that `bparty` sees; Enterprise users only."""
    max_duration: Annotated[Minutes | None, Sent("duration", write=as_minutes)] = None
    """How long the call may last: whole minutes, at most 60; a plain number counts as minutes (G-06, G-17)."""
    token: Annotated[str | None, Field(min_length=1, max_length=128, pattern=LINE), Sent("token")] = None
    """Comes back in the status posts, at most 128 characters. Make it unique: it is the only link (G-04)."""
    max_retries: Annotated[int | None, Field(ge=0, le=3), Sent("maxretries")] = None
    """How often Spokn rings `aparty` again, at most 3; the default is 0."""
    retry_time: Annotated[Pause | None, Sent("retrytime", write=as_seconds)] = None
    """Pause before that: whole seconds, at most 10 (G-17)."""
    callback_url: Annotated[WebAddress | None, Sent("url")] = None
    """Where the status posts go; Enterprise users only (G-12)."""


class SchemaParameters(Parameters):
    """Nothing."""


class AcceptedCall(WireModel):
    """Spokn has accepted the call. There is no call id: the token links it to its status posts (G-04)."""

    code: Integer = None
    """200: errors are raised."""
    desc: Text = ""
    """What Spokn says."""


class Schema(WireModel):
    """The XML schema of the replies (G-16)."""

    xsd: Annotated[str, Field(repr=False)] = ""
    """Its text."""


def _token(parameters: CallParameters, _result: AcceptedCall) -> str:
    """The status posts carry it as their call id; without one, nothing links them to the call (G-04)."""
    return parameters.token or ""


CALLS: tuple[ApiCall[Any], ...] = (
    ApiCall(
        group="click_to_call",
        name="call",
        command="click-to-call",
        documented="/c2c/1.0/call",
        source="API reference",
        summary="Ring one phone, then another, and connect them.",
        url="https://api.spokn.com/c2c/1.0/call",
        parameters=CallParameters,
        result=AcceptedCall,
        encodings=(Encoding.FORM,),
        placed_id=_token,
    ),
    ApiCall(
        group="schema",
        name="download",
        command="download-schema",
        documented="/api/c2c.xsd",
        source="Response",
        summary="Download the XML schema of the replies.",
        url=NAMESPACE,
        parameters=SchemaParameters,
        result=Schema,
        encodings=(Encoding.QUERY,),
        is_authorised=False,
        is_repeatable=True,
    ),
)
"""Calls go out over HTTPS: the document allows both, and a password goes along ("Security")."""
