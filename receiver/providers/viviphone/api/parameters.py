"""Parameters of ViviPhone's methods (chapters 2 and 3)."""

from typing import Annotated

from pydantic import Field

from receiver.providers.base.api.parameters import Parameters, Sent, as_digit, as_minutes, as_seconds
from receiver.providers.viviphone.api.values import (
    ButtonId,
    Country,
    Delay,
    Destination,
    Digits,
    Language,
    Line30,
    Line80,
    Number,
    PhoneList,
    Pin,
    TimeOfDay,
    Weekday,
    as_list,
    days_to_bits,
)


class ButtonParameters(Parameters):
    """A button."""

    button: Annotated[ButtonId, Sent("id")]
    """The button's id."""


class _Phones(Parameters):
    number1: Annotated[Number, Sent("dest1_num")]
    """First number: mandatory in the sections, optional in the appendix (I-37)."""
    country1: Annotated[Country | None, Sent("dest1_cty")] = None
    """Its country code, 1 to 999; the default is 1, North America."""
    dial1: Annotated[Digits | None, Sent("dest1_post")] = None
    """Dialled after it, such as w201: at most 10 characters, `w` pauses for half a second."""
    sms1: Annotated[bool | None, Sent("dest1_issms", write=as_digit)] = None
    """Whether it can get SMS; the default is no."""
    number2: Annotated[Number | None, Sent("dest2_num")] = None
    """Second number; -1 for none."""
    country2: Annotated[Country | None, Sent("dest2_cty")] = None
    """Its country code, 1 to 999; the default is 1."""
    dial2: Annotated[Digits | None, Sent("dest2_post")] = None
    """Dialled after it, at most 10 characters."""
    sms2: Annotated[bool | None, Sent("dest2_issms", write=as_digit)] = None
    """Whether it can get SMS; the default is no."""
    number3: Annotated[Number | None, Sent("dest3_num")] = None
    """Third number; -1 for none."""
    country3: Annotated[Country | None, Sent("dest3_cty")] = None
    """Its country code, 1 to 999; the default is 1."""
    dial3: Annotated[Digits | None, Sent("dest3_post")] = None
    """Dialled after it, at most 10 characters."""
    sms3: Annotated[bool | None, Sent("dest3_issms", write=as_digit)] = None
    """Whether it can get SMS; the default is no."""


class _General(Parameters):
    hours_behind_utc: Annotated[int | None, Field(ge=-12, le=12), Sent("tzo")] = None
    """Whole hours, -12 to 12; positive is west: 5 is Eastern time (I-38). The default is the account's."""
    language: Annotated[Language | None, Sent("lang")] = None
    """Language of the voice mail's prompts; the default is the account's."""


class _Voicemail(Parameters):
    voicemail_delay: Annotated[Delay | None, Sent("vm_delay", write=as_seconds)] = None
    """After how long voice mail answers, 0 to 255 seconds; 255, the default, is never."""


class _Schedule(Parameters):
    schedule: Annotated[bool | None, Sent("schd_en", write=as_digit)] = None
    """Whether calls are taken on schedule alone; the default is no (I-31)."""
    start: Annotated[TimeOfDay | None, Sent("schd_start", write=as_minutes)] = None
    """When calls are taken from: a time, or minutes from midnight, 0 to 1440; the default is 9:00."""
    stop: Annotated[TimeOfDay | None, Sent("schd_stop", write=as_minutes)] = None
    """When calls are taken until; the default is 17:00."""
    days: Annotated[list[Weekday] | None, Sent("schd_days", write=days_to_bits)] = None
    """On which days calls are taken; the default is Monday to Friday (I-35)."""


class _Access(Parameters):
    refer_url: Annotated[Line30 | None, Sent("refer_url")] = None
    """Calls must come from a page with this in its address: at most 30 characters; empty for any page."""
    from_country: Annotated[int | None, Field(ge=0, le=999), Sent("cty")] = None
    """Calls must come from this country, 1 to 999; 0 is any; the default is 1, North America (I-36)."""


class _Panel(Parameters):
    show_text: Annotated[bool | None, Sent("panel_txt_en", write=as_digit)] = None
    """Whether the panel shows its scrolling text; the default is no."""
    text: Annotated[Line80 | None, Sent("panel_txt")] = None
    """The scrolling text, at most 80 characters."""
    image_url: Annotated[Line80 | None, Sent("img_url")] = None
    """Picture of 150 by 150 pixels, at most 80 characters; empty for the usual one."""


class CreateParameters(_Panel, _Access, _Schedule, _Voicemail, _General, _Phones):
    """A new button."""

    pin: Annotated[Pin, Sent("pin")]
    """Pin of its voice mail box, 1000 to 9999."""
    max_tier: Annotated[int | None, Field(ge=0, le=4), Sent("max_tier")] = None
    """Highest rate tier of calls, 0 to 4; the default is 0 (I-36)."""


class DestinationParameters(ButtonParameters):
    """Where a button's calls go."""

    destination: Annotated[Destination, Sent("type_dest")]
    """Optional in the section, mandatory in the appendix (I-37)."""


class PhonesParameters(_Phones, ButtonParameters):
    """The numbers that a button rings. The appendix prints another method, and no id (I-34)."""


class VoicemailParameters(_Voicemail, ButtonParameters):
    """When voice mail answers."""


class ScheduleParameters(_Schedule, ButtonParameters):
    """When a button takes calls."""


class AccessParameters(_Access, ButtonParameters):
    """Whose calls a button takes."""

    max_tier: Annotated[int | None, Field(ge=0, le=5), Sent("max_tier")] = None
    """Highest rate tier of calls, 0 to 5; the default is 0 (I-36)."""


class PanelParameters(_Panel, ButtonParameters):
    """What a button's panel shows."""


class GeneralParameters(_General, ButtonParameters):
    """Time zone and language of a button."""


class NumbersParameters(ButtonParameters):
    """A list of callers' numbers."""

    numbers: Annotated[PhoneList, Sent("numlist", write=as_list)]
    """The numbers; none empties the list. Optional in the section, mandatory in the appendix (I-37)."""


class HistoryParameters(ButtonParameters):
    """How far back."""

    days: Annotated[int, Field(ge=0), Sent("offset_day")]
    """Calls of today and of so many days before."""
