"""The call log: records of past calls (chapter 3)."""

from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from receiver.providers.base import coerce
from receiver.providers.base.api.definition import ApiCall, Encoding, Rate
from receiver.providers.base.api.errors import (
    AuthorisationError,
    ErrorTable,
    RateLimitError,
    RowLimitError,
    UntrustedAddressError,
)
from receiver.providers.base.api.parameters import Parameters, Sent, Text
from receiver.providers.base.api.reply import list_of
from receiver.providers.base.event import Amount, Identifier, Integer, Pairs, Reads, Url, WireModel
from receiver.providers.base.event import Text as TextValue
from receiver.providers.voicenter.api.values import Number, VoicenterResult

URL = "https://api1.voicenter.co.il/hub/cdr/"
RATE = Rate(30, 60, "call_log")
"""The document says that there is a limit, not which (I-17); the provider's newer texts say 30 requests a minute."""
MAX_ROWS = 10_000
"""Rows of one reply: again the limit of the provider's newer texts (I-17)."""

ERRORS: ErrorTable = {
    1: (RateLimitError, "Request limit exceeded. Please try again later."),
    2: (AuthorisationError, "Authorization failed."),
    3: (RowLimitError, "CDR limit exceeded."),
    4: (UntrustedAddressError, "IP address is not trusted."),
}
"""ERROR_NUMBER (chapter 3)."""


class CallLogField(StrEnum):
    """The fields of a row. The document's list names search criteria too, which are no fields (I-13)."""

    DATE = "Date"
    TYPE = "Type"
    DID = "DID"
    CALLER_NUMBER = "CallerNumber"
    CALLER_EXTENSION = "CallerExtension"
    TARGET_NUMBER = "TargetNumber"
    TARGET_EXTENSION = "TargetExtension"
    TARGET_PREFIX_NAME = "TargetPrefixName"
    DURATION = "Duration"
    PRICE = "Price"
    RECORD_URL = "RecordURL"
    RECORD_EXPECT = "RecordExpect"
    REPRESENTATIVE_NAME = "RepresentativeName"
    REPRESENTATIVE_CODE = "RepresentativeCode"
    DTMF_DATA = "DTMFData"
    CALL_ID = "CallID"
    QUEUE_NAME = "QueueName"
    DIAL_STATUS = "DialStatus"
    DIAL_STATUS_2 = "DialStatus2"
    RING_TIME = "RingTime"
    CUSTOM_DATA = "CustomData"
    DEPARTMENT_NAME = "DepartmentName"
    DEPARTMENT_ID = "DepartmentId"


class IdentityCriteria(StrEnum):
    """Whose calls are searched."""

    ACCOUNT = "Account"
    HIERARCHICAL = "Hierarchical"
    DEPARTMENT = "Department"
    USER = "User"


def _moment(value: object) -> datetime | None:
    text = coerce.text(value)
    return datetime.fromisoformat(text) if text else None


class CallLogRow(WireModel):
    """One call, with the fields that were asked for."""

    date: Annotated[datetime | None, Reads(_moment)] = None
    """When it began, as written; `started_in` adds the zone."""
    type: TextValue = ""
    """As a CDR's `type`."""
    did: TextValue = ""
    """The number that was dialled."""
    caller_number: TextValue = ""
    """Who called."""
    caller_extension: TextValue = ""
    """The extension that called."""
    target_number: TextValue = ""
    """Who was called."""
    target_extension: TextValue = ""
    """The extension that answered."""
    target_prefix_name: TextValue = ""
    """Name of the target's country or network."""
    duration_seconds: Annotated[int | None, Reads(coerce.integer, ("Duration",))] = None
    """Seconds of conversation."""
    price: Amount = None
    """As sent: the document does not say in what unit."""
    record_url: Url = ""
    """Link to the recording."""
    record_expect: TextValue = ""
    """Whether a recording is expected, as sent."""
    representative_name: TextValue = ""
    representative_code: TextValue = ""
    dtmf_data: Annotated[Any, Reads(lambda value: value)] = None
    """Digits that were pressed, as sent."""
    call_id: Annotated[str, Reads(coerce.identifier, ("ivruniqueid",))] = ""
    """The id that the callbacks of this call carry."""
    queue_name: TextValue = ""
    dial_status: TextValue = ""
    """As a CDR's `status`."""
    dial_status2: TextValue = ""
    ring_seconds: Annotated[int | None, Reads(coerce.integer, ("RingTime",))] = None
    """Seconds of ringing."""
    custom_data: Pairs = Field(default_factory=dict)
    """The call's custom parameters."""
    department_name: TextValue = ""
    department_id: Identifier = ""

    def started_in(self, zone: tzinfo = UTC) -> datetime | None:
        """`date` with its zone: its own if it was sent with one, else `zone` (I-16)."""
        if self.date is None or self.date.tzinfo is not None:
            return self.date
        return self.date.replace(tzinfo=zone)


class CallLog(VoicenterResult):
    """The calls that were found."""

    calls: Annotated[list[CallLogRow], Reads(list_of(CallLogRow), ("CDR_LIST",))] = Field(default_factory=list)
    """CDR_LIST."""
    total_hits: Annotated[Integer, Reads(coerce.integer, ("TOTAL_HITS",))] = None
    """How many calls there are in all, where the provider says it. Not in the document."""


def _written(moment: datetime) -> str:
    """As the document's examples: without seconds, unless there are some (I-16)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M")


def _repeated(moment: datetime) -> timedelta:
    """By how much the clock is put back at this time, if it shows it twice; else nothing."""
    first, second = (moment.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return max(first - second, timedelta(0))


class CallLogParameters(Parameters):
    """A search in the call log."""

    since: Annotated[datetime, Sent("search.fromdate", write=_written)]
    """Calls from this moment on. With a zone it is converted to the client's `time_zone`; else it is sent as it is."""
    until: Annotated[datetime, Sent("search.todate", write=_written)]
    """Calls up to this moment."""
    phones: Annotated[list[Number] | None, Sent("search.phones")] = None
    """Calls with one of these numbers, with country code (I-15)."""
    extensions: Annotated[list[Text] | None, Sent("search.extensions", flat="extension")] = None
    """Calls of these SIP trunks. The query's name for it is `extension` (I-14)."""
    identity: Annotated[IdentityCriteria | None, Sent("search.IdentityCriteria")] = None
    """Whose calls are searched."""
    columns: Annotated[list[CallLogField], Field(min_length=1), Sent("fields")] = Field(
        default_factory=lambda: list(CallLogField)
    )
    """The fields that rows have; all of them unless given."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.since.tzinfo is None) != (self.until.tzinfo is None):
            raise ValueError("since and until must both have a time zone, or neither")
        if self.since > self.until:
            raise ValueError("since must not be after until")
        return self

    def on_the_clock_of(self, zone: tzinfo) -> "CallLogParameters":
        """The same search, its moments as the wall clock of `zone` shows them.

        A time that the clock shows twice, when it is put back, does not say which is meant: the search is then widened
        to times before and after, that it shows once.
        """
        if self.since.tzinfo is None:
            return self
        since, until = self.since.astimezone(zone), self.until.astimezone(zone)
        return self.model_copy(update={"since": since - _repeated(since), "until": until + _repeated(until)})


CALLS: tuple[ApiCall[VoicenterResult], ...] = (
    ApiCall(
        group="calls",
        name="search",
        command="search-calls",
        documented="hub/cdr",
        source="3",
        summary="Search the call log.",
        url=URL,
        parameters=CallLogParameters,
        result=CallLog,
        encodings=(Encoding.JSON, Encoding.QUERY),
        fixed={"format": "JSON"},
        is_repeatable=True,
        rate=RATE,
    ),
)
"""HTML replies are not documented, so JSON is asked for (I-18)."""
