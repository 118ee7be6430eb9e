"""Append every call record to a CSV file that a spreadsheet can open; begin a new file each day, month or size.

handlers = ["handlers.call_log"]

[handler_settings.call_log]
path = "calls.csv"
rotate = "monthly"
keep = 12

Receivers on one machine may share a path: a lock file protects it. Receivers on different machines need a path each,
because locks in a network folder are not reliable.
"""

import csv
import errno
import io
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from filelock import FileLock
from pydantic import BaseModel, BeforeValidator, Field

from receiver import CallRecord, Context, Handlers

LOCK_SECONDS = 30
"""Seconds to wait for the lock of another process; then the attempt fails, and the delivery is retried."""
COLUMNS = (
    "delivery",
    "provider",
    "call_id",
    "leg",
    "started",
    "direction",
    "from",
    "to",
    "outcome",
    "talk_seconds",
    "ring_seconds",
    "cost",
    "currency",
    "recording",
)
"""The file's columns. `delivery` identifies a line that was written twice: after a crash a record may be repeated."""
_PERIODS = {"daily": "%Y-%m-%d", "monthly": "%Y-%m"}
_SIZE = re.compile(r"([1-9][0-9]{0,8}) ?([kMG])B")
_UNITS = {"k": 1000, "M": 1000**2, "G": 1000**3}


def _rotation(value: object) -> object:
    if value in ("never", *_PERIODS):
        return value
    if isinstance(value, str) and (size := _SIZE.fullmatch(value)):
        return int(size[1]) * _UNITS[size[2]]
    raise ValueError('write "never", "daily", "monthly" or a size such as "10 MB"')


class CallLogSettings(BaseModel, extra="forbid"):
    """The table `[handler_settings.call_log]`."""

    path: Annotated[str, Field(min_length=1)]
    """The file; with rotation, its name gets a date: calls.csv becomes calls-2026-01-31.csv."""
    rotate: Annotated[Literal["never", "daily", "monthly"] | int, BeforeValidator(_rotation)] = "never"
    """When a new file begins."""
    keep: Annotated[int, Field(ge=0)] = 0
    """How many older files are kept; 0 keeps all."""
    time_zone: ZoneInfo = ZoneInfo("UTC")
    """The time zone of days and months."""


handlers = Handlers(settings=CallLogSettings)


@handlers.on(CallRecord, concurrency=1)
def append(record: CallRecord, context: Context) -> None:
    """Write one line, after the heading if the file is new. It is on disk before the delivery is done."""
    settings = CallLogSettings.model_validate(context.settings)
    line = _csv(_values(record, context))
    with FileLock(f"{settings.path}.lock", timeout=LOCK_SECONDS):
        file = _file(settings, context.received_at, len(line))
        is_new = not file.exists()
        _write(file, line)
        if is_new and settings.keep:
            _remove_oldest(settings, file)


def _file(settings: CallLogSettings, received_at: datetime, length: int) -> Path:
    """The file for a line of this length. The time of receipt decides, so that every attempt has the same day."""
    path = Path(settings.path)
    if isinstance(settings.rotate, int):
        if path.exists() and path.stat().st_size + length > settings.rotate:
            path.rename(_dated(path, f"{datetime.now(settings.time_zone):%Y-%m-%dT%H%M%S.%f}"))
        return path
    if settings.rotate == "never":
        return path
    return _dated(path, received_at.astimezone(settings.time_zone).strftime(_PERIODS[settings.rotate]))


def _dated(path: Path, date: str) -> Path:
    return path.with_name(f"{path.stem}-{date}{path.suffix}")


def _write(file: Path, line: bytes) -> None:
    """Append a whole line: if the disk is full, a part that was written is removed."""
    with file.open("ab+", buffering=0) as opened:
        size = opened.seek(0, os.SEEK_END)
        text = _before(opened, size) + line
        try:
            if opened.write(text) != len(text):
                raise OSError(errno.ENOSPC, f"{file} took a part of the line only")
            os.fsync(opened.fileno())
        except OSError:
            opened.truncate(size)
            raise


def _before(opened: io.FileIO, size: int) -> bytes:
    """The heading of a new file; a line end if a power failure has cut the last line off."""
    if not size:
        return _csv(COLUMNS)
    opened.seek(size - 1)
    return b"" if opened.read(1) == b"\n" else b"\r\n"


def _remove_oldest(settings: CallLogSettings, current: Path) -> None:
    """Remove files with a date in their name, all but the newest `keep` and the current one."""
    path = Path(settings.path)
    name = re.compile(re.escape(path.stem) + r"-\d{4}-\d\d(-\d\d(T\d{6}\.\d{6})?)?" + re.escape(path.suffix))
    older = sorted(one for one in path.parent.iterdir() if name.fullmatch(one.name) and one != current)
    for one in older[: -settings.keep]:
        with suppress(OSError):  # such as a file that is open on Windows; the line is written
            one.unlink()


def _csv(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _values(record: CallRecord, context: Context) -> tuple[object, ...]:
    return (
        context.delivery_id,
        record.provider,
        _harmless(record.call_id),
        record.leg,
        record.started.isoformat() if record.started else "",
        record.direction,
        _harmless(record.from_number),
        _harmless(record.to_number),
        record.outcome,
        record.talk_seconds,
        record.ring_seconds,
        record.cost.amount if record.cost else "",
        record.cost.currency if record.cost else "",
        _harmless(record.recording),
    )


def _harmless(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula; a number such as "+972…" is left unchanged."""
    text = "".join(char if char.isprintable() else " " for char in text).strip()
    risky = text[:1] in {"=", "@", "-", "+"} and not text[1:].isdigit()
    return f"'{text}" if risky else text
