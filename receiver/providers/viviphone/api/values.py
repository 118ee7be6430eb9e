"""Types of ViviPhone's parameters and results."""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from receiver.providers.base import coerce
from receiver.providers.base.api.parameters import LINE, MINUTE, SECOND, counted_in, within, without_separators


class Destination(StrEnum):
    """Where a button's calls go."""

    PHONE = "ph"
    VOICEMAIL = "vm"
    BLOCKED = "bl"
    """Calls are not accepted."""


class Language(StrEnum):
    """Language of the voice mail's prompts; Spanish is `sp` here, not ISO's `es` (I-39)."""

    ENGLISH = "en"
    FRENCH = "fr"
    SPANISH = "sp"


class Weekday(StrEnum):
    """A day of the schedule."""

    SUNDAY = "sunday"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"


WEEK = tuple(Weekday)
"""Bit 0 is Sunday and bit 6 is Saturday: seven bits, 0 to 127, though the document says bit 7 (I-35)."""
NEVER = timedelta(seconds=255)
"""A voice mail delay that never ends: the voice mail box does not answer."""


def days_to_bits(days: list[Weekday]) -> int:
    """The bit field of some days."""
    return sum({1 << WEEK.index(day) for day in days})


def days_of(value: object) -> list[Weekday] | None:
    """The days of a bit field."""
    bits = coerce.integer(value)
    return None if bits is None else [day for number, day in enumerate(WEEK) if bits >> number & 1]


def _clock(value: object) -> object:
    """A time of day as the duration since midnight; 24:00 is the end of the day."""
    if isinstance(value, str) and ":" in value and len(value) <= 5:
        value = timedelta(days=1) if value == "24:00" else time.fromisoformat(value.zfill(5))
    return timedelta(hours=value.hour, minutes=value.minute) if isinstance(value, time) else value


def minutes_of(value: object) -> timedelta | None:
    """Minutes from midnight as a duration."""
    number = coerce.integer(value)
    return None if number is None else timedelta(minutes=number)


def seconds_of(value: object) -> timedelta | None:
    """Seconds as a duration."""
    number = coerce.integer(value)
    return None if number is None else timedelta(seconds=number)


def _pin(value: object) -> object:
    return SecretStr(str(value)) if isinstance(value, int | str) else value


def _four_digits(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not (text.isascii() and text.isdigit() and 1000 <= int(text) <= 9999):
        raise ValueError("must be a number from 1000 to 9999")
    return value


def numbers_of(value: object) -> list[str]:
    """The numbers of a colon separated list, without the blanks that the document prints into one (I-40)."""
    return ["".join(part.split()) for part in coerce.text(value).split(":") if part.strip()]


def as_list(numbers: list[str]) -> str:
    """A colon separated list, with a colon at its end as in the examples (I-40)."""
    return "".join(f"{number}:" for number in numbers)


def _fits_250(numbers: list[str]) -> list[str]:
    if len(as_list(numbers)) > 250:
        raise ValueError("must have at most 250 characters as a colon separated list")
    return numbers


Delay = Annotated[timedelta | int, counted_in(SECOND), within(SECOND, 0, 255, "whole seconds, 0 to 255; 255 is never")]
"""0 to 255 seconds; 255 is never. A plain number counts as seconds."""
TimeOfDay = Annotated[
    timedelta | time | int,
    BeforeValidator(_clock),
    counted_in(MINUTE),
    within(MINUTE, 0, 1440, "whole minutes from midnight, 0 to 1440"),
]
"""A time of day, or how long after midnight; a plain number counts as minutes."""
Pin = Annotated[SecretStr | str | int, BeforeValidator(_pin), AfterValidator(_four_digits)]
"""A pin number from 1000 to 9999."""
Number = Annotated[str, Field(pattern=r"^(-1|[0-9]{3,20})$"), BeforeValidator(without_separators)]
"""A phone number without its country code; -1 makes the destination inactive."""
Digits = Annotated[str, Field(max_length=10, pattern=r"^[0-9*#w]*$")]
"""Digits that are dialled after the number; `w` pauses for half a second."""
Country = Annotated[int, Field(ge=1, le=999)]
"""A country code, 1 to 999. The appendix prints 9999 for two of them (I-36)."""
PhoneList = Annotated[
    list[Annotated[str, Field(pattern=r"^[0-9]{3,20}$"), BeforeValidator(without_separators)]],
    AfterValidator(_fits_250),
]
"""Phone numbers; at most 250 characters as a colon separated list."""
Line80 = Annotated[str, Field(max_length=80, pattern=LINE)]
Line30 = Annotated[str, Field(max_length=30, pattern=LINE)]
ButtonId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$"), BeforeValidator(str)]
"""A button's id, without the quotes of the document's examples (I-33)."""
