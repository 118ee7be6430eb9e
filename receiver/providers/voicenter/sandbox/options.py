"""What Voicenter's part of the sandbox can be set to."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field

from receiver.providers.base.sandbox import SandboxOptions


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Asia/Jerusalem") from error
    return name


class Extension(BaseModel, extra="forbid"):
    """A table `[[providers.voicenter.extensions]]`."""

    sip: str
    """Its code, as in click-to-call's `phone`."""
    name: str = ""
    speed_dial: str = ""
    account_id: int = 1
    account_name: str = "Acc 1"
    is_online: bool = True
    """Whether its phone is registered. Click-to-call checks that where it is asked to, and answers 3."""
    is_blocked: bool = False
    """Whether click-to-call is blocked for it: error 4."""


class Queue(BaseModel, extra="forbid"):
    """A table `[[providers.voicenter.queues]]`."""

    name: str
    id: int
    number: str = ""
    """The number whose callers wait in it."""


class CampaignOptions(BaseModel, extra="forbid"):
    """A table `[[providers.voicenter.campaigns]]`."""

    code: str
    name: str = ""
    is_enabled: bool = False
    members: list[str] = Field(default_factory=list)


def _extensions() -> list[Extension]:
    return [
        Extension(sip="AAPINFzL", name="Walter Melon", speed_dial="301"),
        Extension(sip="BBPINFzL", name="Support 1", speed_dial="302"),
        Extension(sip="CCPINFzL", name="Desk 2", speed_dial="303", account_id=2, account_name="Acc 2"),
        Extension(sip="OFFLINE1", name="Desk 3", speed_dial="304", is_online=False),
        Extension(sip="BLOCKED1", name="Desk 4", speed_dial="305", is_blocked=True),
    ]


def _queues() -> list[Queue]:
    return [Queue(name="Sales", id=10035, number="0730000001")]


class VoicenterSandboxOptions(SandboxOptions):
    """The table `[providers.voicenter]`."""

    codes: list[str] = Field(default_factory=list)
    """User codes that are accepted; empty: any."""
    trusted_addresses: list[str] = Field(default_factory=list)
    """Addresses that may read the call log; empty: any."""
    call_log_requests_a_minute: int = Field(default=30, ge=1)
    """The document says that there is a limit, not which (I-17); this is the number of newer texts."""
    call_log_rows: int = Field(default=10_000, ge=1)
    """Rows of one reply: likewise (I-17)."""
    format: Literal["json", "xmlrpc", "form"] = "json"
    """The format of its callbacks."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """The zone of the call log's times, which are written without one (I-16)."""
    country_code: str = "972"
    """Numbers with and without it are the same."""
    ivr_numbers: list[str] = Field(default_factory=lambda: ["0730000000"])
    """Numbers that reach your IVR."""
    queues: list[Queue] = Field(default_factory=_queues)
    extensions: list[Extension] = Field(default_factory=_extensions)
    campaigns: list[CampaignOptions] = Field(default_factory=list)
    """The dialer's campaigns; empty: a campaign begins with the first call that names it."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the call log's times."""
        return ZoneInfo(self.time_zone)

    def extension(self, sip: str) -> Extension | None:
        """The extension of that code, in any case."""
        return next((one for one in self.extensions if one.sip.lower() == sip.lower()), None)
