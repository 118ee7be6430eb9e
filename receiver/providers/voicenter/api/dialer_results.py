"""What the dialer's calls get (chapter 6)."""

from typing import Annotated, Any

from pydantic import Field

from receiver.providers.base import coerce
from receiver.providers.base.api.reply import list_of, one_of
from receiver.providers.base.event import Integer, Pairs, Reads, Text, WireModel
from receiver.providers.voicenter.api.values import VoicenterResult


class Campaign(WireModel):
    """A campaign. The figures are None where only a list was asked for."""

    name: Text = ""
    status: Annotated[str, Reads(coerce.text, ("StatusName",))] = ""
    """Enabled, Disabled or Deleted."""
    code: Text = ""
    """Its unique code."""
    pending_calls: Annotated[int | None, Reads(coerce.integer, ("TotalPendingCalls",))] = None
    """Calls that are not placed yet."""
    max_priority: Integer = None
    min_priority: Integer = None


class Member(WireModel):
    """A member of a campaign."""

    member: Text = ""
    """Its code."""
    display_name: Text = ""


class CallStatus(WireModel):
    """What has become of a call."""

    status: Integer = None
    description: Text = ""


class PendingCall(WireModel):
    """A call that a campaign has not placed yet."""

    phone: Text = ""
    caller_id: Text = ""
    caller_name: Text = ""
    originate_time: Annotated[int | None, Reads(coerce.identifier_number)] = None
    """Seconds since 1970; None for no time of its own (I-21)."""
    priority: Integer = None
    customer_name: Text = ""
    call_status: Annotated[CallStatus | None, Reads(one_of(CallStatus))] = None
    custom_data: Pairs = Field(default_factory=dict)


class Campaigns(VoicenterResult):
    """Your campaigns."""

    campaigns: Annotated[list[Campaign], Reads(list_of(Campaign), ("Data",))] = Field(default_factory=list)


class Members(VoicenterResult):
    """The members of a campaign."""

    members: Annotated[list[Member], Reads(list_of(Member), ("Data",))] = Field(default_factory=list)


class CampaignDetails(VoicenterResult):
    """A campaign."""

    campaign: Annotated[Campaign | None, Reads(one_of(Campaign), ("Data",))] = None


class PendingData(WireModel):
    """A campaign and its calls."""

    calls: Annotated[list[PendingCall], Reads(list_of(PendingCall))] = Field(default_factory=list)
    campaign: Annotated[Campaign | None, Reads(one_of(Campaign))] = None


class PendingCalls(VoicenterResult):
    """The calls that a campaign has not placed yet."""

    data: Annotated[PendingData, Reads(one_of(PendingData))] = Field(default_factory=PendingData)

    @property
    def calls(self) -> list[PendingCall]:
        """The calls."""
        return self.data.calls

    @property
    def campaign(self) -> Campaign | None:
        """Their campaign."""
        return self.data.campaign


def _total(name: str) -> Any:
    def read(value: object) -> int | None:
        found = coerce.structure(value)
        return coerce.integer(found.get(name)) if isinstance(found, dict) else None

    return read


class Removed(VoicenterResult):
    """How many members were removed."""

    total_removed: Annotated[int | None, Reads(_total("TotalRemoved"), ("Data",))] = None


class Added(VoicenterResult):
    """How many members were added."""

    total_added: Annotated[int | None, Reads(_total("TotalAdded"), ("Data",))] = None
