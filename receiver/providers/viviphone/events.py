"""A call over a button, as the button's history has it, as a typed event."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from receiver.providers.base import coerce
from receiver.providers.base.event import Event, Identifier, Reads


def _moment(value: object) -> datetime | None:
    text = coerce.text(value)
    return datetime.fromisoformat(text) if text else None


def _count(value: object) -> int:
    return coerce.integer(value) or 0


class PastCall(Event):
    """A row of a button's history: a leg of a call that is over (chapter 3.4). It is read with `gen.hist.get`."""

    kind: ClassVar[str] = "HISTORY"
    moment_field: ClassVar[str] = "date"

    button: Identifier = ""
    """The button's id, from the settings: the row does not have it."""
    number: Annotated[str, Reads(coerce.text, ("telnum",))] = ""
    """Who called, or was called."""
    is_international: Annotated[bool | None, Reads(coerce.flag, ("is_num_intl",))] = None
    """Whether `number` is outside of the US and Canada."""
    name: Annotated[str, Reads(coerce.text, ("cname",))] = ""
    """The caller's name; inbound calls only."""
    duration_seconds: Annotated[int | None, Reads(coerce.integer, ("dursec",))] = None
    date: Annotated[datetime | None, Reads(_moment)] = None
    """When it was, as sent: without a zone, see `started` (I-41)."""
    type: Annotated[str, Reads(coerce.text, ("calltype",))] = ""
    """`inbound` or `outbound`."""
    cost_cents: Annotated[Decimal | None, Reads(coerce.amount, ("cost_ct",))] = None
    """What it cost, in cents."""
    nth: Annotated[int, Reads(_count)] = 0
    """Counts further rows of one button, second, number and type from 1; `receiver reconcile` adds it."""

    time_zone: str = "UTC"
    """Derived from settings: the zone whose wall clock `date` shows (I-41)."""

    @property
    def started(self) -> datetime | None:
        """`date` with its zone. Derived (I-41)."""
        if self.date is None or self.date.tzinfo is not None:
            return self.date
        return self.date.replace(tzinfo=ZoneInfo(self.time_zone))

    @property
    def call_id(self) -> str:
        """Identifies this row: a hash of button, date, number, type and `nth`; the history has no ids. Derived."""
        moment = self.date.isoformat() if self.date else str(self.raw.get("date"))
        parts = (self.button, moment, self.number, self.type.lower(), str(self.nth))
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=12).hexdigest()
