"""Settings of ViviPhone's API, under `[apis.viviphone]`."""

from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from receiver.providers.base.api.options import ApiOptions, Credential, SafeBaseUrl, Word
from receiver.providers.base.zone import zone_name
from receiver.settings import split_at_commas


class ViviPhoneApiOptions(ApiOptions):
    """Your API key, how to call the API, and the buttons whose calls are read."""

    credential_field: ClassVar[str] = "key"
    settings_only: ClassVar[frozenset[str]] = frozenset({"buttons", "time_zone"})

    key: Credential
    """Authorises every call. It goes over HTTPS alone (chapter 1.3)."""
    base_url: SafeBaseUrl = None
    """Takes the place of https://www.viviphone.com, for a sandbox or a proxy."""
    buttons: Annotated[
        tuple[Annotated[Word, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")], ...], BeforeValidator(split_at_commas)
    ] = ()
    """Ids of the buttons whose history `receiver reconcile` reads; the API has no list of them."""
    time_zone: Annotated[str, AfterValidator(zone_name)] = "UTC"
    """The zone whose wall clock the history's dates show, which the document does not say (I-41)."""

    @property
    def zone(self) -> ZoneInfo:
        """`time_zone` as a time zone."""
        return ZoneInfo(self.time_zone)
