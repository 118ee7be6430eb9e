"""Names of time zones in settings."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_name(name: str) -> str:
    """The name, if there is such a time zone. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; write one such as Asia/Jerusalem or UTC") from error
    return name
