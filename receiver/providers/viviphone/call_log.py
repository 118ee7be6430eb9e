"""The history of ViviPhone's buttons (chapter 3.4) as a call log."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from receiver.providers.base.call_log import CallLeg, CallLogSource, LoggedCall
from receiver.providers.base.contract import CallbackRequest
from receiver.providers.base.event import Event
from receiver.providers.base.log_only import record_request
from receiver.providers.viviphone.api_options import ViviPhoneApiOptions
from receiver.providers.viviphone.events import PastCall

if TYPE_CHECKING:
    from receiver.providers.viviphone.provider import ViviPhone


_Values = Mapping[str, Any]


def _now() -> datetime:
    return datetime.now(UTC)


def _numbered(rows: Sequence[_Values], event: Callable[[_Values], PastCall]) -> Iterator[_Values]:
    """Each row once; those that differ and would have one call id are counted (`PastCall.nth`)."""
    found: dict[str, list[_Values]] = {}
    for row in rows:
        same = found.setdefault(event(row).call_id, [])
        if row not in same:
            yield {**row, "nth": len(same)} if same else row
            same.append(row)


class ViviPhoneCallLog(CallLogSource):
    """Reads the history of each button. A reply reaches from some day until now, so one span is one window."""

    kind: ClassVar[str] = "HISTORY"
    max_rows: ClassVar[int] = sys.maxsize
    longest: ClassVar[timedelta] = timedelta.max

    def __init__(self, provider: "ViviPhone", options: ViviPhoneApiOptions, now: Callable[[], datetime] = _now) -> None:
        self._provider = provider
        self._options = options
        self._now = now

    async def search(self, client: Any, since: datetime, until: datetime) -> Sequence[LoggedCall]:
        """The rows of all buttons, each once; those without a readable date too, whose time is not known."""
        days, found = self._days_back(since), []
        for button in self._options.buttons:
            history = await client.history.get(button=button, days=days)
            for values in _numbered([{"button": button, **row.raw} for row in history.calls], self._provider.event):
                leg = self.leg_of(self._provider.event(values))
                if leg.started is None or since <= leg.started <= until:
                    found.append(LoggedCall(leg, values))
        return found

    def leg_of(self, event: Event) -> CallLeg:
        """What a row reports."""
        assert isinstance(event, PastCall)  # noqa: S101 - called for callbacks of `kind` alone
        record = self._provider.record(event)
        assert record is not None  # noqa: S101 - each of them has one
        return CallLeg(
            call_id=event.call_id,
            type=event.type.lower(),
            numbers=(record.from_number, record.to_number),
            started=event.started,
            duration_seconds=event.duration_seconds,
            price=event.cost_cents,
        )

    def request(self, values: Mapping[str, Any], received_at: datetime) -> CallbackRequest:
        """The row and its button in JSON."""
        return record_request(values, received_at)

    def _days_back(self, since: datetime) -> int:
        """`offset_day`, which counts back from today; a day more, because whose today that is, is not said (I-41)."""
        today, first = (moment.astimezone(self._options.zone).date() for moment in (self._now(), since))
        return max((today - first).days, 0) + 1
