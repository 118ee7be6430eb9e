"""Spokn's status post as a typed event."""

import hashlib
import re
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, ClassVar

from receiver.providers.base import coerce
from receiver.providers.base.event import Amount, Event, Reads, Text


class StatusCode(IntEnum):
    """The status codes of the document's table (G-08); the list is open."""

    SUCCESS = 0
    NUMBER_BUSY = 1
    NO_ANSWER = 2
    ROUTE_CONGESTED = 3
    CALL_CANCELLED_BEFORE_ANSWER = 4
    INVALID_NUMBER = 5
    OTHER_ERROR = 6
    CALL_ALREADY_IN_PROGRESS = 7


_BY_TEXT = {code.name.replace("_", " ").lower(): int(code) for code in StatusCode}
_CODE_AND_TEXT = re.compile(r"\s*([0-9]{1,3})\s*[-\N{EN DASH}:]\s*\D.*", re.DOTALL)
_EATEN_PLUS = re.compile(r"\A +(?=[0-9])")
_EATEN_OFFSET = re.compile(r" (?=[0-9]{2}:?[0-9]{2}\Z)")


def _party(value: object) -> str:
    """A party; a "+" that the form decoded to a blank is restored (G-05)."""
    if isinstance(value, str):
        value = _EATEN_PLUS.sub("+", value)
    return coerce.text(value)


def _status(value: object) -> int | None:
    """A status code, its text in the document's table, or both as in the table: "1 - Number busy" (G-08)."""
    if isinstance(value, str):
        if (code := _BY_TEXT.get(" ".join(value.lower().split()))) is not None:
            return code
        if found := _CODE_AND_TEXT.fullmatch(value):
            return int(found[1])
    return coerce.integer(value)


def _leg(value: object) -> int | None:
    leg = coerce.integer(value)
    if leg not in {None, 1, 2}:
        raise ValueError("legs are 1 and 2 (G-10)")
    return leg


def _moment(value: object) -> datetime | None:
    """An ISO 8601 moment as sent, with T or a blank, with or without a zone, its "+" restored (G-07)."""
    text = coerce.text(value)
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(_EATEN_OFFSET.sub("+", text))


class StatusPost(Event):
    """Status post: one leg of a click-to-call has ended. Each leg is posted on its own, in any order (G-03)."""

    kind: ClassVar[str] = "STATUS"
    moment_field: ClassVar[str] = "start"

    userid: Text = ""
    """The Spokn ID that requested the call: text (G-14)."""
    aparty: Annotated[str, Reads(_party)] = ""
    """The party that is called first: phone number with "+", or Spokn ID (G-05, G-14)."""
    bparty: Annotated[str, Reads(_party)] = ""
    """The party that the first one is connected to."""
    leg: Annotated[int | None, Reads(_leg)] = None
    """1 reports on the call to `aparty`, 2 on the call to `bparty`; anything else is only in `raw` (G-10)."""
    start: Annotated[datetime | None, Reads(_moment)] = None
    """When the call began, as sent; without a zone if none was sent: see `started` (G-07)."""
    duration_seconds: Annotated[int | None, Reads(coerce.integer, aliases=("duration",))] = None
    """Length in seconds, `duration` on the wire; the request's own `duration` is minutes (G-06)."""
    token: Text = ""
    """The token of your request for the call. Make it unique: only the token links the post to your request (G-04)."""
    rate: Amount = None
    """US cents a minute (G-09)."""
    cost: Amount = None
    """US cents (G-09)."""
    status: Annotated[int | None, Reads(_status)] = None
    """A StatusCode, or a number that is not in the document (G-08)."""

    @property
    def started(self) -> datetime | None:
        """`start` with its zone; UTC where none was sent. Derived (G-07)."""
        if self.start is None or self.start.tzinfo is not None:
            return self.start
        return self.start.replace(tzinfo=UTC)

    @property
    def zone_assumed(self) -> bool:
        """Whether `started` is in UTC only because no zone was sent. Derived (G-07)."""
        return self.start is not None and self.start.tzinfo is None

    @property
    def post_key(self) -> str:
        """Identifies this post: a hash of user, parties, leg, start and token; Spokn sends no id. Derived (G-04)."""
        start = self.start.isoformat() if self.start else ""
        parts = (self.userid, self.aparty, self.bparty, str(self.leg), start, self.token)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()

    @property
    def call_id(self) -> str:
        """The token, which both legs share; without one, `post_key`. Derived (G-03, G-04)."""
        return self.token or self.post_key
