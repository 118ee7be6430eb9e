"""The dialer: campaigns, their members and their calls (chapter 6)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.errors import BadParameterError, ErrorTable, NotFoundError, ProviderFailureError
from receiver.providers.base.api.parameters import Parameters, Sent, Text
from receiver.providers.voicenter.api.dialer_results import (
    Added,
    CampaignDetails,
    Campaigns,
    Members,
    PendingCalls,
    Removed,
)
from receiver.providers.voicenter.api.values import Number, Variables, VoicenterResult, prefixed

URL = "https://api.voicenter.co.il/ForwardDialer/Dialer/"

ERRORS: ErrorTable = {
    1: (NotFoundError, "Invalid campaign code"),
    2: (BadParameterError, "The target is invalid"),
    3: (ProviderFailureError, "Unexpected internal error"),
    4: (BadParameterError, "Invalid caller id"),
}
"""ErrorCode. The document lists it below AddCall; it counts for all calls of the dialer (I-22)."""


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("must have a time zone, such as datetime.now(UTC)")
    return moment


class CampaignParameters(Parameters):
    """A campaign."""

    campaign: Annotated[Text, Sent("Campaign")]
    """The campaign's unique code."""


class TargetParameters(CampaignParameters):
    """A number within a campaign."""

    target: Annotated[Number, Sent("Target")]
    """Whom the campaign calls, usually a customer's number."""


class MemberParameters(CampaignParameters):
    """A member of a campaign."""

    member: Annotated[Text, Sent("Member")]
    """The member's code."""


class DialerCallParameters(TargetParameters):
    """A call of a campaign."""

    caller_id: Annotated[Number | None, Sent("Callerid")] = None
    """The number that the target sees; `Anonymous` hides it. Else the provider chooses one (I-19)."""
    originate_at: Annotated[datetime | None, AfterValidator(_aware), Sent("OriginateTime", write=_epoch)] = None
    """When to place the call; not available in all types of campaign."""
    customer_name: Annotated[Text | None, Sent("CustomerName")] = None
    """Name of the customer."""
    priority: Annotated[int | None, Sent("Priority")] = None
    """Calls with a higher priority are placed first."""
    variables: Annotated[Variables | None, Sent("CustomData", flat="*", write=prefixed)] = None
    """Custom parameters; pop-up and CDR carry them. In JSON they are the object CustomData (I-19)."""


class BulkCall(TargetParameters):
    """One of many calls."""

    caller_id: Annotated[Number | None, Sent("CallerID")] = None
    """The number that the target sees (I-19)."""
    caller_name: Annotated[Text | None, Sent("CallerName")] = None
    """The name that the target sees; only here (I-19)."""
    customer_name: Annotated[Text | None, Sent("CustomerName")] = None
    """Name of the customer."""
    priority: Annotated[int | None, Sent("Priority")] = None
    """Calls with a higher priority are placed first."""
    variables: Annotated[Variables | None, Sent("CustomData", write=prefixed)] = None
    """Custom parameters."""


class BulkParameters(Parameters):
    """Many calls at once."""

    calls: Annotated[list[BulkCall], Field(min_length=1), Sent("[]")]
    """The calls."""


class StrategyParameters(CampaignParameters):
    """How a campaign dials."""

    queue_for_monitoring: Annotated[int | None, Sent("setQueueForMonitoring")] = None
    """Id of the queue to watch."""
    queue_maximum_callers: Annotated[int | None, Field(ge=0), Sent("setQueueMaximumCallers")] = None
    """Callers that the queue may have."""
    coefficient: Annotated[Decimal | None, Field(ge=0), Sent("setCoefficient", write=lambda value: _number(value))] = (
        None
    )
    """Calls placed for each free representative."""


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


class IvrCampaignParameters(CampaignParameters):
    """How a campaign of an IVR dials."""

    max_calls: Annotated[int | None, Field(ge=0), Sent("ConcurrentStrategy.setMaxCalls")] = None
    """Calls at once."""
    representatives: Annotated[list[Text] | None, Sent("RepresentativeList")] = None
    """SIP codes of the representatives."""


class NoParameters(Parameters):
    """Nothing but the client's code."""


R = TypeVar("R", bound=VoicenterResult)
ANY = (Encoding.JSON, Encoding.QUERY, Encoding.FORM)
JSON_ONLY = (Encoding.JSON,)


def _call(
    name: str,
    documented: str,
    parameters: type[Parameters],
    result: type[R],
    source: str,
    summary: str,
    encodings: tuple[Encoding, ...] = ANY,
    **more: Any,
) -> ApiCall[R]:
    return ApiCall(
        group="dialer",
        name=name,
        command=name.replace("_", "-"),
        documented=documented,
        source=f"6.{source}",
        summary=summary,
        url=URL + documented,
        parameters=parameters,
        result=result,
        encodings=encodings,
        **{"credential": ""} | more,
    )


CALLS: tuple[ApiCall[VoicenterResult], ...] = (
    _call("add_call", "AddCall", DialerCallParameters, VoicenterResult, "1", "Add a call to a campaign."),
    _call("remove_call", "RemoveCall", TargetParameters, VoicenterResult, "2", "Remove a call from a campaign."),
    _call(
        "get_campaigns",
        "GetCampaignList",
        NoParameters,
        Campaigns,
        "3",
        "List your campaigns.",
        credential="Code",
        is_repeatable=True,
    ),
    _call(
        "get_members",
        "GetMembersList",
        CampaignParameters,
        Members,
        "4",
        "List the members of a campaign.",
        is_repeatable=True,
    ),
    _call("remove_member", "RemoveMember", MemberParameters, Removed, "5", "Remove a member from a campaign."),
    _call("add_member", "AddMember", MemberParameters, Added, "6", "Add a member to a campaign."),
    _call(
        "stop_campaign",
        "StopCampaign",
        CampaignParameters,
        VoicenterResult,
        "7",
        "Stop a campaign.",
        is_repeatable=True,
    ),
    _call("start_campaign", "StartCampaign", CampaignParameters, VoicenterResult, "8", "Start a campaign."),
    _call(
        "update_strategy",
        "UpdateCampaignStrategy",
        StrategyParameters,
        VoicenterResult,
        "9",
        "Change how a campaign dials.",
        is_repeatable=True,
    ),
    _call(
        "clear_calls",
        "ClearCampaignCalls",
        CampaignParameters,
        VoicenterResult,
        "10",
        "Remove all calls of a campaign.",
    ),
    _call(
        "add_calls",
        "AddCallsBulk",
        BulkParameters,
        VoicenterResult,
        "11",
        "Add many calls to campaigns.",
        JSON_ONLY,
    ),
    _call(
        "get_pending_calls",
        "GetCampaignPendingCalls",
        CampaignParameters,
        PendingCalls,
        "12",
        "List the calls that a campaign has not placed yet.",
        JSON_ONLY,
        is_repeatable=True,
    ),
    _call(
        "update_call",
        "UpdateCall",
        DialerCallParameters,
        VoicenterResult,
        "13",
        "Change a call of a campaign.",
        is_repeatable=True,
    ),
    _call(
        "get_campaign",
        "GetCampaignDetails",
        CampaignParameters,
        CampaignDetails,
        "14",
        "Show a campaign.",
        is_repeatable=True,
    ),
    _call(
        "configure_ivr",
        "ConfigureIvrCampaign",
        IvrCampaignParameters,
        VoicenterResult,
        "15",
        "Change how a campaign of an IVR dials.",
        JSON_ONLY,
        is_repeatable=True,
    ),
)
"""What adds, removes or starts calls is tried once: a second try could place or lose one."""
