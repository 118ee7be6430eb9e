"""The log on standard error: text for people, or one JSON object a line for programs."""

import logging
import sys
import traceback
from types import TracebackType

from pythonjsonlogger.orjson import OrjsonFormatter

from receiver.settings import Settings

_CHATTY = {
    "httpx": "WARNING",
    "httpcore": "WARNING",
    "alembic": "WARNING",
    "uvicorn.error": "WARNING",
    "python_multipart": "ERROR",
}
"""Libraries that say more than people want to read, some of it whenever a stranger likes."""
_FIELDS = ("call_id", "callback", "delivery", "handler", "attempt")
"""What log lines carry beside their message, under these names: ids, never numbers or names of people."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(settings: Settings) -> None:
    """Send the log to standard error as the settings have it."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter((_Json if settings.log_format == "json" else _Text)(personal=settings.log_personal_data))
    level = settings.log_level.upper()
    logging.basicConfig(handlers=[lines], level=level)
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.getLevelName(least)))


class _Text(logging.Formatter):
    """A line for people: the time, the level, where it comes from, what it says, and its ids."""

    def __init__(self, *, personal: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._personal = personal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without its exception."""
        ids = "".join(f" {name}={record.__dict__[name]}" for name in _FIELDS if record.__dict__.get(name))
        return super().formatMessage(record) + ids

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        """The exception, as far as it may be told."""
        return super().formatException(ei) if self._personal else _impersonal(ei)


class _Json(OrjsonFormatter):
    """One JSON object a line, with the ids as fields of their own."""

    def __init__(self, *, personal: bool) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "error"},
            timestamp="time",
        )
        self._personal = personal

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        """The exception, as far as it may be told."""
        return str(super().formatException(ei)) if self._personal else _impersonal(ei)


def _impersonal(info: ExcInfo) -> str:
    """The kind of an error and the line it came from: its text may hold a caller's number."""
    error = info[1]
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__
