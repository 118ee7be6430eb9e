"""Settings of Voicenter's API, under `[providers.voicenter.api]`."""

from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from receiver.providers.base.api.options import ApiOptions, Credential
from receiver.providers.base.zone import zone_name


class VoicenterApiOptions(ApiOptions):
    """The code that Voicenter gave you, and how to call its API."""

    credential_field: ClassVar[str] = "code"

    code: Credential
    """Authorises every call: "Caller identity", "Personal identifier" or "user code" in the document."""
    time_zone: Annotated[str, AfterValidator(zone_name)] = "UTC"
    """The zone whose wall clock the call log's search and dates are in (I-16)."""

    @property
    def zone(self) -> ZoneInfo:
        """`time_zone` as a time zone."""
        return ZoneInfo(self.time_zone)
