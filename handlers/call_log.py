"""Append every call record to a CSV file that a spreadsheet can open.

handlers = ["handlers.call_log"]

[handler_settings.call_log]
path = "calls.csv"
"""

import csv
import os
from pathlib import Path

from receiver import CallRecord, Context, Handlers

handlers = Handlers(requires=("path",))

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


@handlers.on(CallRecord, concurrency=1)
def append(record: CallRecord, context: Context) -> None:
    """Append one line, after the heading if the file is new. It is on disk before the delivery is done."""
    path = Path(context.settings["path"])
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(COLUMNS)
        writer.writerow(_line(record, context))
        file.flush()
        os.fsync(file.fileno())


def _line(record: CallRecord, context: Context) -> tuple[object, ...]:
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
    """Text that no spreadsheet takes for a formula; a phone number such as "+972…" is left unchanged."""
    risky = text[:1] in {"=", "@", "-", "+", "\t", "\r"} and not text[1:].isdigit()
    return f"'{text}" if risky else text
