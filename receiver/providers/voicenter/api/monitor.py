"""What goes on now: active calls, queues, extensions, and users' status (chapters 7, 8 and 10)."""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from receiver.providers.base import coerce
from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.errors import AuthorisationError, BadParameterError, ErrorTable, LoginError
from receiver.providers.base.api.parameters import Parameters, Sent, Text, as_digit
from receiver.providers.base.api.reply import list_of
from receiver.providers.base.event import Flag, Identifier, Integer, Reads, WireModel
from receiver.providers.base.event import Text as TextValue
from receiver.providers.voicenter.api.dialer import NoParameters
from receiver.providers.voicenter.api.values import VoicenterResult

HOST = "https://monitor.voicenter.co.il"


def _epoch(value: object) -> datetime | None:
    number = coerce.identifier_number(value)
    return None if number is None else datetime.fromtimestamp(number, UTC)


Moment = Annotated[datetime | None, Reads(_epoch)]
"""Seconds since 1970; None for 0 and for nothing."""


class ActiveCall(WireModel):
    """A call that an extension has now."""

    caller_name: TextValue = ""
    caller_phone: TextValue = ""
    started: Annotated[datetime | None, Reads(_epoch, ("callstarted",))] = None
    answered_at: Annotated[datetime | None, Reads(_epoch, ("callanswered",))] = None
    answered: Flag = None
    status: Annotated[str, Reads(coerce.text, ("callstatus",))] = ""
    """Such as Talking."""
    call_id: Annotated[str, Reads(coerce.identifier, ("ivrid",))] = ""
    """The id that the callbacks of this call carry."""
    direction: TextValue = ""
    """Such as Outgoing."""


class ActiveExtension(WireModel):
    """An extension and its calls."""

    name: TextValue = ""
    representative: TextValue = ""
    peer_status: TextValue = ""
    """Such as Reachable."""
    username: TextValue = ""
    """Its SIP code."""
    calls: Annotated[list[ActiveCall], Reads(list_of(ActiveCall))] = Field(default_factory=list)


class ActiveExtensions(VoicenterResult):
    """All extensions with their calls."""

    extensions: Annotated[list[ActiveExtension], Reads(list_of(ActiveExtension))] = Field(default_factory=list)


class QueueCaller(WireModel):
    """A caller who waits."""

    phone: TextValue = ""
    call_id: Identifier = ""
    joined: Annotated[datetime | None, Reads(_epoch, ("JoinTime",))] = None


class ActiveQueue(WireModel):
    """A queue and its callers."""

    name: TextValue = ""
    id: Integer = None
    callers: Annotated[list[QueueCaller], Reads(list_of(QueueCaller))] = Field(default_factory=list)


class ActiveQueues(VoicenterResult):
    """All queues with their callers."""

    queues: Annotated[list[ActiveQueue], Reads(list_of(ActiveQueue))] = Field(default_factory=list)


class Extension(WireModel):
    """An extension."""

    sip: TextValue = ""
    """Its SIP code."""
    name: TextValue = ""
    speed_dial: TextValue = ""
    account_id: Integer = None
    account_name: TextValue = ""


class Extensions(VoicenterResult):
    """The extensions of an account or of the organisation."""

    extensions: Annotated[list[Extension], Reads(list_of(Extension))] = Field(default_factory=list)


class ExtensionListParameters(Parameters):
    """Whose extensions."""

    show_all: Annotated[bool, Sent("showAll", write=as_digit)] = False
    """Those of the whole organisation; else those of the account. Sent as 0 or 1, as the URL shows (I-27)."""


class UserStatus(IntEnum):
    """A user's status. Your organisation gives names to those from 3 on (chapter 10)."""

    LOGIN = 1
    LOGOUT = 2
    STATUS_3 = 3
    STATUS_4 = 4
    STATUS_5 = 5
    STATUS_7 = 7
    STATUS_9 = 9
    STATUS_11 = 11
    STATUS_12 = 12
    STATUS_13 = 13


def _from_digits(value: object) -> object:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


class UserStatusParameters(Parameters):
    """A user's new status."""

    user_id: Annotated[Text, Sent("UserID")]
    """The first 5 digits of the user's code."""
    status: Annotated[UserStatus, BeforeValidator(_from_digits), Sent("Status")]
    """The new status."""
    extension: Annotated[Text | None, Sent("ExtensionUser")] = None
    """SIP name of the extension."""


class UserStatusResult(WireModel):
    """The status was changed."""

    status: Integer = None
    """1: errors are raised."""
    status_error: TextValue = ""
    status_error_message: TextValue = ""


LOGIN_ERRORS: ErrorTable = {
    2: (AuthorisationError, "Authorization failed"),
    3: (BadParameterError, "Missing parameters"),
    4: (LoginError, "Login error"),
    5: (LoginError, "Initiation Error"),
}
"""Status of a reply that is not 1 (chapter 10)."""

LOGIN_DETAILS: dict[tuple[int, int], str] = {
    (4, 1): "Status Changed",
    (4, 2): "Failed - Hour Log Error",
    (4, 3): "Failed - Queue registration error",
    (4, 4): "Extension is already in use",
    (4, 5): "You're already logged in with a different extension",
    (5, 1): "Please choose extension",
    (5, 2): "Successfully Logged In",
    (5, 3): "Not logged in",
    (5, 4): "Wrong Username or Password",
    (5, 5): "There was a problem with the user, please contact support",
    (5, 6): "An unexpected error occurred",
    (5, 7): "Failed - Extension Monitor doesn't exist",
    (5, 8): "Failed - User has no organizational PIN Code",
}
"""StatusError for Status 4 and 5; two of them read like a success, and are errors in the document (I-29)."""


CALLS: tuple[ApiCall[Any], ...] = (
    ApiCall(
        group="active_calls",
        name="extensions",
        command="active-extensions",
        documented="GetExtensionsCalls",
        source="7.1",
        summary="Show the calls that extensions have now.",
        url=f"{HOST}/comet/API/GetExtensionsCalls",
        parameters=NoParameters,
        result=ActiveExtensions,
        encodings=(Encoding.QUERY,),
        is_repeatable=True,
    ),
    ApiCall(
        group="active_calls",
        name="queues",
        command="active-queues",
        documented="GetQueuesCallers",
        source="7.2",
        summary="Show the callers that wait in queues now.",
        url=f"{HOST}/comet/API/GetQueuesCallers",
        parameters=NoParameters,
        result=ActiveQueues,
        encodings=(Encoding.QUERY,),
        is_repeatable=True,
    ),
    ApiCall(
        group="extensions",
        name="list",
        command="list-extensions",
        documented="GetExtensions",
        source="8",
        summary="List the extensions.",
        url=f"{HOST}/Comet/api/GetExtensions",
        parameters=ExtensionListParameters,
        result=Extensions,
        encodings=(Encoding.QUERY, Encoding.FORM, Encoding.JSON),
        is_repeatable=True,
    ),
    ApiCall(
        group="users",
        name="set_status",
        command="set-user-status",
        documented="SetStatusFromAPI",
        source="10",
        summary="Log a user in or out, or change the user's status.",
        url="http://betaapi.voicenter.co.il/UserLogin/SetStatusFromAPI",
        parameters=UserStatusParameters,
        result=UserStatusResult,
        encodings=(Encoding.FORM, Encoding.QUERY, Encoding.JSON),
        credential="Code",
    ),
)
"""The two spellings `comet/API` and `Comet/api` are the document's (I-26)."""
