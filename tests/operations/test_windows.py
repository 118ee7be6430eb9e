"""Reading a call log below its limits."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from receiver.operations.windows import PAUSES, TooManyRowsError, read_windows
from receiver.providers.base.api.errors import RateLimitError, RowLimitError
from receiver.providers.base.call_log import CallLeg, LoggedCall

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def row(seconds: int) -> LoggedCall:
    """A call that began so many seconds after noon."""
    started = NOON + timedelta(seconds=seconds)
    return LoggedCall(CallLeg(f"c{seconds}", "cc", ("", ""), started), {"id": seconds})


class Log:
    """A call log with both limits. `shown` changes the rows of a reply; `refused` requests get the rate limit first."""

    def __init__(
        self,
        rows: Sequence[LoggedCall],
        max_rows: int = 10,
        shown: Callable[[list[LoggedCall]], list[LoggedCall]] = lambda rows: rows,
        refused: int = 0,
        cuts: bool = False,
    ) -> None:
        self.rows = rows
        self.max_rows = max_rows
        self.shown = shown
        self.refused = refused
        self.cuts = cuts
        self.asked: list[tuple[datetime, datetime]] = []
        self.slept: list[float] = []

    async def search(self, since: datetime, until: datetime) -> Sequence[LoggedCall]:
        """As the provider answers."""
        self.asked.append((since, until))
        if self.refused:
            self.refused -= 1
            raise RateLimitError(1, "")
        found = [one for one in self.rows if one.leg.started and since <= one.leg.started <= until]
        if len(found) > self.max_rows and not self.cuts:
            raise RowLimitError(3, "")
        return self.shown(found[: self.max_rows])

    async def sleep(self, seconds: float) -> None:
        """Note it."""
        self.slept.append(seconds)

    async def read(self, span: timedelta) -> list[LoggedCall]:
        """All windows."""
        windows = read_windows(
            self.search, NOON, NOON + span, max_rows=self.max_rows, longest=timedelta(days=1), sleep=self.sleep
        )
        return [one async for window in windows for one in window.rows]


@pytest.mark.parametrize("cuts", [False, True])
@pytest.mark.parametrize("count", [0, 1, 10, 11, 95, 400])
async def test_windows_are_halved_until_they_are_below_the_row_limit(count: int, cuts: bool) -> None:
    """Every row is read once, also where the log cuts its reply off without an error."""
    log = Log([row(seconds * 7) for seconds in range(count)], cuts=cuts)
    found = await log.read(timedelta(hours=1))
    assert sorted(found, key=lambda one: one.leg.started or NOON) == log.rows


async def test_a_span_of_days_is_read_a_day_at_a_time() -> None:
    """The last window is as long as what is left."""
    log = Log([])
    await log.read(timedelta(days=2, hours=5))
    assert [(end - begin) / timedelta(hours=1) for begin, end in log.asked] == [24, 24, 5]


async def test_one_second_with_too_many_rows_is_an_error() -> None:
    """It cannot be halved: the error names it."""
    log = Log([row(61)] * 11)
    with pytest.raises(TooManyRowsError, match="12:01"):
        await log.read(timedelta(hours=1))
    assert len(log.asked) < 40


async def test_repeated_rows_and_wrong_times_make_no_doubles_and_no_loops() -> None:
    """How many requests there are depends on the span alone."""
    far = [row(99_999_999)]
    log = Log([row(1), row(2)], shown=lambda rows: [*rows, *rows, *far])
    found = await log.read(timedelta(days=3))
    assert found == [row(1), row(2), *far]
    assert len(log.asked) == 3


async def test_the_rate_limit_is_waited_for() -> None:
    """With longer and longer pauses; then the window is read as if nothing had happened."""
    log = Log([row(1)], refused=3)
    assert await log.read(timedelta(hours=1)) == [row(1)]
    assert log.slept == list(PAUSES[:3])


async def test_a_rate_limit_that_does_not_end_is_an_error() -> None:
    """After the last pause."""
    log = Log([row(1)], refused=99)
    with pytest.raises(RateLimitError):
        await log.read(timedelta(hours=1))
    assert log.slept == list(PAUSES)
