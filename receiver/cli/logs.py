"""The log on standard error: text for people, or one JSON object a line for programs."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from pythonjsonlogger.orjson import OrjsonFormatter

from receiver.cli.times import local_time
from receiver.plugins.failures import AUTHOR_FILE, author_line
from receiver.settings import Settings

_CHATTY = {
    "httpx": "WARNING",
    "httpcore": "WARNING",
    "alembic": "WARNING",
    "uvicorn.error": "WARNING",
    "python_multipart": "ERROR",
    "watchfiles": "WARNING",
}
"""Libraries that log more than people want to read, some of it for each malformed request."""
_FIELDS = ("call_id", "callback", "delivery", "handler", "attempt", "trace_id")
"""Fields that log lines have beside their message: ids, never phone numbers or names of people."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def configure(settings: Settings, *, for_author: bool = False) -> None:
    """Send the log to standard error, as the settings say.

    With `for_author` the texts of errors and their tracebacks are shown as with `log_personal_data`: the log goes to
    the terminal of the person who writes the handlers.
    """
    lines = logging.StreamHandler(sys.stderr)
    personal = settings.log_personal_data or for_author
    lines.setFormatter((_Json if settings.log_format == "json" else _Text)(personal=personal))
    level = settings.log_level.upper()
    logging.basicConfig(handlers=[lines], level=level)
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.getLevelName(least)))


class _Text(logging.Formatter):
    """A line for people: the time with its offset, the level, the logger, the message and its ids."""

    def __init__(self, *, personal: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._personal = personal
        self._author_file = ""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the exception below it."""
        self._author_file = getattr(record, AUTHOR_FILE, "")
        record.exc_text = None  # a cached text may be another formatter's
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line without its exception."""
        ids = "".join(f" {name}={record.__dict__[name]}" for name in _FIELDS if record.__dict__.get(name))
        return super().formatMessage(record) + ids

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the library's
        """The local time with its offset."""
        return local_time(datetime.fromtimestamp(record.created, UTC), "milliseconds")

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        """The exception, as far as it may be shown."""
        return super().formatException(ei) if self._personal else _kind_and_line(ei, self._author_file)


class _Json(OrjsonFormatter):
    """One JSON object a line, with the ids as fields of their own."""

    def __init__(self, *, personal: bool) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "error"},
            timestamp="time",
        )
        self._personal = personal
        self._author_file = ""

    def format(self, record: logging.LogRecord) -> str:
        """The object as text."""
        self._author_file = getattr(record, AUTHOR_FILE, "")
        record.exc_text = None  # a cached text may be another formatter's
        return str(super().format(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the library's name
        """The exception, as far as it may be shown."""
        return str(super().formatException(ei)) if self._personal else _kind_and_line(ei, self._author_file)


def _kind_and_line(info: ExcInfo, author_file: str) -> str:
    """The class of an error and the line it came from: its text may hold a caller's number.

    Of a handler's error the line is the last one in its author's file, not one of a library it called.
    """
    error = info[1]
    if error is None:
        return ""
    file, line = author_line(error, author_file)
    if not file and (frames := traceback.extract_tb(error.__traceback__)):
        file, line = frames[-1].filename, frames[-1].lineno or 0
    return f"{type(error).__name__} at {file}:{line}" if file else type(error).__name__
