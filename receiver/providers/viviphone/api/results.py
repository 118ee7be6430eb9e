"""What ViviPhone's methods get (chapters 2 and 3)."""

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from receiver.providers.base import coerce
from receiver.providers.base.api.reply import list_of
from receiver.providers.base.event import Identifier, Integer, Reads, Text, WireModel
from receiver.providers.viviphone.api.values import Weekday, days_of, minutes_of, numbers_of, seconds_of


class Done(WireModel):
    """It was done; there is nothing more to say."""


class CreatedButton(WireModel):
    """A new button."""

    id: Identifier = ""
    """Its id."""


class DestinationResult(WireModel):
    """Where a button's calls go."""

    destination: Annotated[str, Reads(coerce.text, ("type_dest",))] = ""
    """A `Destination`, or a word that is not documented."""


class PhoneNumber(WireModel):
    """A number that a button rings."""

    country: Annotated[int | None, Reads(coerce.integer, ("cty",))] = None
    number: Annotated[str, Reads(coerce.text, ("num",))] = ""
    """-1 where there is none."""
    dial: Annotated[str, Reads(coerce.text, ("post",))] = ""
    """Dialled after it."""
    sms: Annotated[bool | None, Reads(coerce.flag, ("issms",))] = None

    @property
    def is_active(self) -> bool:
        """Whether there is a number."""
        return self.number not in ("", "-1")


class PhonesResult(WireModel):
    """The numbers that a button rings."""

    phones: Annotated[list[PhoneNumber], Reads(list_of(PhoneNumber))] = Field(default_factory=list)


class VoicemailResult(WireModel):
    """When voice mail answers."""

    voicemail_delay: Annotated[timedelta | None, Reads(seconds_of, ("vm_delay",))] = None
    """255 seconds is never."""


class ScheduleResult(WireModel):
    """When a button takes calls."""

    schedule: Annotated[bool | None, Reads(coerce.flag, ("schd_en", "sched_en"))] = None
    start: Annotated[timedelta | None, Reads(minutes_of, ("schd_start", "sched_start"))] = None
    """From midnight."""
    stop: Annotated[timedelta | None, Reads(minutes_of, ("schd_stop", "sched_stop"))] = None
    """From midnight."""
    days: Annotated[list[Weekday] | None, Reads(days_of, ("schd_days", "sched_days"))] = None


class AccessResult(WireModel):
    """Whose calls a button takes."""

    max_tier: Integer = None
    refer_url: Text = ""
    from_country: Annotated[int | None, Reads(coerce.integer, ("cty",))] = None
    """0 for any."""


class PanelResult(WireModel):
    """What a button's panel shows."""

    show_text: Annotated[bool | None, Reads(coerce.flag, ("panel_txt_en",))] = None
    text: Annotated[str, Reads(coerce.text, ("panel_txt",))] = ""
    image_url: Annotated[str, Reads(coerce.text, ("img_url",))] = ""


class GeneralResult(WireModel):
    """Time zone and language of a button."""

    hours_behind_utc: Annotated[int | None, Reads(coerce.integer, ("tzo",))] = None
    """Positive is west: 5 is Eastern time (I-38)."""
    language: Annotated[str, Reads(coerce.text, ("lang",))] = ""


class NumbersResult(WireModel):
    """A list of callers' numbers."""

    numbers: Annotated[list[str], Reads(numbers_of, ("numlist",))] = Field(default_factory=list)


def _moment(value: object) -> datetime | None:
    text = coerce.text(value)
    return datetime.fromisoformat(text) if text else None


class HistoryCall(WireModel):
    """A past call."""

    is_international: Annotated[bool | None, Reads(coerce.flag, ("is_num_intl",))] = None
    """Whether the number is outside of the US and Canada."""
    number: Annotated[str, Reads(coerce.text, ("telnum",))] = ""
    """Who called or was called."""
    name: Annotated[str, Reads(coerce.text, ("cname",))] = ""
    """The caller's name; inbound calls only."""
    duration_seconds: Annotated[int | None, Reads(coerce.integer, ("dursec",))] = None
    date: Annotated[datetime | None, Reads(_moment)] = None
    """When it was, without a zone, as written (I-41)."""
    direction: Annotated[str, Reads(coerce.text, ("calltype",))] = ""
    """`inbound` or `outbound`."""
    cost_cents: Annotated[Decimal | None, Reads(coerce.amount, ("cost_ct",))] = None
    """What it cost, in cents."""

    def started_in(self, zone: tzinfo) -> datetime | None:
        """`date` with its zone: the button's, which the reply does not say (I-41)."""
        return self.date if self.date is None or self.date.tzinfo is not None else self.date.replace(tzinfo=zone)


class HistoryResult(WireModel):
    """The calls of a button."""

    calls: Annotated[list[HistoryCall], Reads(list_of(HistoryCall))] = Field(default_factory=list)
