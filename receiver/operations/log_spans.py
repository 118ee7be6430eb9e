"""Put the rows of a call log together into calls: a call may have rows in several windows."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from receiver.operations.windows import Window
from receiver.providers.base.call_log import LoggedCall

TAIL = timedelta(hours=6)
"""How much later a row of the same call may begin. Zones are doubtful (I-16), so it is longer than calls are."""


@dataclass(frozen=True, slots=True)
class LogSpan:
    """Calls whose rows are complete."""

    rows: Sequence[LoggedCall]
    reached: datetime
    """Every call that began before it is in this span or in an earlier one."""
    open_calls: frozenset[str] = frozenset()
    """Ids of calls that have rows and are left to a later span."""
    is_last: bool = False


@dataclass(slots=True)
class _Call:
    first: datetime
    """When its first row began."""
    last: datetime
    """When its last row began."""
    rows: list[LoggedCall] = field(default_factory=list)


class CallCollector:
    """Collects rows by call, and gives out those that no later window can add to. Has the rows of one window and TAIL.

    Each row without a call id counts as a call of its own.
    """

    def __init__(self) -> None:
        self._calls: dict[str | int, _Call] = {}
        self._without_id = 0

    def __len__(self) -> int:
        """How many rows wait."""
        return sum(len(call.rows) for call in self._calls.values())

    def add(self, window: Window) -> None:
        """Take the rows of the next window. A row whose time is outside its window counts for the whole window."""
        for row in window.rows:
            began = row.leg.started
            is_inside = began is not None and window.begin <= began <= window.end
            first, last = (began, began) if is_inside and began else (window.begin, window.end)
            call = self._calls.setdefault(self._key(row), _Call(first, last))
            call.first, call.last = min(call.first, first), max(call.last, last)
            call.rows.append(row)

    def _key(self, row: LoggedCall) -> str | int:
        if row.leg.call_id:
            return row.leg.call_id
        self._without_id += 1
        return self._without_id

    def take(self, position: datetime, *, is_last: bool = False) -> LogSpan:
        """The calls that are complete once the log is read up to `position`; all of them at its end."""
        done = [key for key, call in self._calls.items() if is_last or call.last <= position - TAIL]
        rows = [row for key in done for row in self._calls.pop(key).rows]
        reached = min((call.first for call in self._calls.values()), default=position)
        return LogSpan(rows, reached, frozenset(key for key in self._calls if isinstance(key, str)), is_last)


async def read_spans(windows: AsyncIterator[Window], until: datetime) -> AsyncIterator[LogSpan]:
    """The calls of all windows, those of each span complete; a span may be empty."""
    collector = CallCollector()
    async for window in windows:
        collector.add(window)
        if window.end < until:
            yield collector.take(window.end)
    yield collector.take(until, is_last=True)
