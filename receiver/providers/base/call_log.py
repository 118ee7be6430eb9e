"""The contract of a provider's call log: its rows as callbacks, and what is compared with the callbacks that came."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from receiver.providers.base.contract import CallbackRequest
from receiver.providers.base.event import Event


@dataclass(frozen=True, slots=True)
class CallLeg:
    """A leg of a call as the call log or a callback reports it. Empty and None: not reported."""

    call_id: str
    type: str
    """The provider's word for the leg, folded, so that one type has one spelling."""
    numbers: tuple[str, str]
    """Who called and who was called, in one notation."""
    started: datetime | None
    """When the call began, with its zone."""
    duration_seconds: int | None = None
    status: str = ""
    price: Decimal | None = None
    """As sent."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A row of the call log, and the values of the callback that reports the same."""

    leg: CallLeg
    values: Mapping[str, Any]


class CallLogSource(ABC):
    """How one provider's call log is read."""

    kind: ClassVar[str]
    """The kind of the callbacks that report what the log has."""
    max_rows: ClassVar[int]
    """A reply with so many rows may have been cut off."""
    longest: ClassVar[timedelta] = timedelta(days=1)
    """The longest span of one search."""

    @abstractmethod
    async def search(self, client: Any, since: datetime, until: datetime) -> Sequence[LoggedCall]:
        """The calls that began between these moments, both included. Raises an ApiError, such as RowLimitError."""

    @abstractmethod
    def leg_of(self, event: Event) -> CallLeg:
        """What a callback of `kind` reports."""

    @abstractmethod
    def request(self, values: Mapping[str, Any], received_at: datetime) -> CallbackRequest:
        """The request with which the provider would have sent these values."""
