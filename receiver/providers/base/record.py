"""Call records: what any provider reported of a finished call, in one shape."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from receiver.providers.base.event import Event


class Outcome(StrEnum):
    """How a call ended, in the same words for every provider; each provider has a table that maps its own."""

    ANSWERED = "answered"
    """The call was picked up, possibly by a voicemail (B-16)."""
    VOICEMAIL = "voicemail"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    """The caller hung up while it rang."""
    ABANDONED = "abandoned"
    """The caller left a queue, or was removed from it."""
    IVR_ENDED = "ivr_ended"
    """The call ended inside an IVR, before a number was dialled."""
    NOT_DIALED = "not_dialed"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    FAILED = "failed"
    """A technical fault: congestion, an unreachable device, a rejected channel."""
    UNKNOWN = "unknown"
    """An unknown status; the event has it as sent."""


class Direction(StrEnum):
    """Which way a call went, seen from the firm that gets the callbacks."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class Money(BaseModel):
    """An exact amount in whole units of its currency (ISO 4217): 0.07 ILS, never 7 agorot."""

    model_config = ConfigDict(frozen=True)

    amount: Decimal
    currency: str


class CallRecord(BaseModel):
    """What a provider reported of one finished leg of a call. `None` and "" mean that it reported nothing."""

    model_config = ConfigDict(frozen=True)

    provider: str
    call_id: str = ""
    """The provider's id of the call. The legs of one call may share it, so it is not a key (B-25)."""
    leg: int | None = None
    """Which leg of a click-to-call or transferred call this reports, 1 or 2."""
    from_number: str = ""
    """Who called, as sent. On outgoing calls this is the number shown to the other side (B-18)."""
    to_number: str = ""
    """Who was called, as sent: a phone number or an extension's code (B-17)."""
    from_international: str | None = None
    """`from_number` with its country code, if it consists of digits. Derived (B-17)."""
    to_international: str | None = None
    """`to_number` with its country code, if it consists of digits. Derived (B-17)."""
    direction: Direction = Direction.UNKNOWN
    started: datetime | None = None
    """When the call began, with its zone; None if the provider's value is missing or implausible. Derived."""
    talk_seconds: int | None = None
    """Seconds of conversation. Some providers include the wait in a queue (B-20)."""
    ring_seconds: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    cost: Money | None = None
    recording: str = ""
    """Link to the recording; empty when there is none (yet)."""
    event: SerializeAsAny[Event] = Field(repr=False)
    """The event this record was made from, with everything the provider sent."""

    @property
    def customer(self) -> str:
        """The number outside the firm: caller of an incoming call, callee of an outgoing one; else empty (B-18)."""
        match self.direction:
            case Direction.INCOMING:
                return self.from_number
            case Direction.OUTGOING:
                return self.to_number
        return ""

    async def fetch_recording(self, path: str | Path, *, hosts: Collection[str], max_bytes: int | None = None) -> Path:
        """Download the recording to the file `path`; returns it. `hosts` are the only hosts it may come from.

        A host is written as `records.example.com`, or `*.example.com` for all below. Raises an `ApiError`: for other
        hosts, beyond `max_bytes` (else 256 MiB), and where it does not come. Nothing is left of an incomplete file.
        """
        from receiver.providers.base.api.recording import fetch_recording
        from receiver.providers.base.api.recording_rules import MAX_BYTES

        return await fetch_recording(self.recording, path, hosts=hosts, max_bytes=max_bytes or MAX_BYTES)

    def fetch_recording_sync(self, path: str | Path, *, hosts: Collection[str], max_bytes: int | None = None) -> Path:
        """The same for handlers that are plain functions."""
        from receiver.providers.base.api.recording_rules import MAX_BYTES
        from receiver.providers.base.api.recording_sync import fetch_recording

        return fetch_recording(self.recording, path, hosts=hosts, max_bytes=max_bytes or MAX_BYTES)

    def as_json(self) -> dict[str, Any]:
        """The record as plain JSON values, without the event: ready for `json=` of an HTTP client."""
        return self.model_dump(mode="json", exclude={"event"})


def international(number: str, country_code: str) -> str | None:
    """`number` with its country code if it consists of digits ("0540000000" → "972540000000"), else None (B-17).

    With an empty `country_code` local numbers have no international form.
    """
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if number.startswith("+") or not digits.startswith("0"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    return country_code + digits[1:] if country_code else None
