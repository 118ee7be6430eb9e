"""Opening hours in OpenStreetMap's syntax, and holidays.

The syntax: https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from receiver.errors import HandlerError


class HoursError(HandlerError, ValueError):
    """Opening hours, a time zone or a holiday that cannot be read."""


def check_hours(hours: str, zone: str, holidays: Iterable[object] = (), country: str = "") -> None:
    """Parse all of them, for the validator of a settings model. Raises HoursError."""
    read_hours(hours, zone, country)
    for holiday in holidays:
        days(holiday)


def is_open(hours: str, zone: str, now: datetime, country: str = "") -> bool:
    """Whether it is open at a moment, by the clock of a zone. Raises HoursError for invalid values.

    `country` is an ISO code such as "FR": it selects the public holidays `PH`. Some countries are not supported.
    """
    return bool(read_hours(hours, zone, country).is_open(now.astimezone(read_zone(zone))))


def read_hours(hours: str, zone: str, country: str = "") -> Any:
    """Parse opening hours. Raises HoursError."""
    library = require_library()
    try:
        return library.OpeningHours(hours, timezone=read_zone(zone), country=country or None, auto_timezone=False)
    except library.ParserError as error:
        expected = str(error).splitlines()[-1].strip(" =")
        raise HoursError(
            f"{hours!r} are invalid opening hours; write them like Su-Th 08:00-17:00: {expected}"
        ) from error
    except library.UnknownCountryError as error:
        raise HoursError(f"the holidays of {country!r} are not supported; list them as `holidays`") from error


def read_zone(name: str) -> ZoneInfo:
    """The time zone of a name. Raises HoursError for unknown names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise HoursError(f"{name!r} is an unknown time zone; write one like Asia/Jerusalem or UTC") from error


def is_holiday(holidays: Iterable[object], zone: str, now: datetime) -> bool:
    """Whether a moment is on one of the days, by the clock of a zone. Raises HoursError for invalid days."""
    today = now.astimezone(read_zone(zone)).date()
    return any(first <= today <= last for first, last in map(days, holidays))


def days(holiday: object) -> tuple[date, date]:
    """First and last day of a holiday: a date, or text such as 2026-09-12 or 2026-09-11/2026-09-13.

    Raises HoursError for anything else.
    """
    if isinstance(holiday, date):
        day = holiday.date() if isinstance(holiday, datetime) else holiday
        return day, day
    try:
        first, slash, last = str(holiday).partition("/")
        return date.fromisoformat(first.strip()), date.fromisoformat((last if slash else first).strip())
    except ValueError as error:
        raise HoursError(
            f"{holiday!r} is an invalid holiday; write a day like 2026-09-12, or several like 2026-09-11/2026-09-13"
        ) from error


def require_library() -> Any:
    """Import the library for opening hours. Raises HandlerError with the command to install it."""
    try:
        import opening_hours
    except ImportError as error:
        raise HandlerError("opening hours need one more package: pip install 'callback-receiver[handlers]'") from error
    return opening_hours
