"""Read a call log in windows of time that stay below its limits."""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from receiver.errors import ReceiverError
from receiver.providers.base.api.errors import RateLimitError, RowLimitError
from receiver.providers.base.call_log import LoggedCall

logger = logging.getLogger(__name__)

SHORTEST = timedelta(seconds=1)
"""The log's times have no parts of a second."""
PAUSES = (15.0, 30.0, 60.0, 60.0)
"""Seconds to wait after the client gave up because of the rate limit, one after the other."""

Search = Callable[[datetime, datetime], Awaitable[Sequence[LoggedCall]]]


class TooManyRowsError(ReceiverError):
    """One second of the call log exceeds its row limit."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the call log: the rows that a search between these moments found."""

    begin: datetime
    end: datetime
    rows: Sequence[LoggedCall]


async def read_windows(
    search: Search,
    since: datetime,
    until: datetime,
    *,
    max_rows: int,
    longest: timedelta,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Window]:
    """The rows of a span of time, a window at a time; no row twice, however often the log repeats it.

    A window is `longest` at most; one with too many rows is halved. Windows share their ends, because the log may leave
    out its own end. How many windows there are depends on `since` and `until` alone, never on the times in the rows.
    Raises an ApiError, or TooManyRowsError.
    """
    pending = _windows(since.replace(microsecond=0), until, longest)
    seen: set[bytes] = set()
    while pending:
        begin, end = pending.popleft()
        rows = await _patient(search, begin, end, sleep)
        if rows is not None and len(rows) < max_rows:
            yield Window(begin, end, _new_rows(rows, seen))
        elif end - begin <= SHORTEST:
            raise TooManyRowsError(f"the call log has too many rows at {begin:%Y-%m-%d %H:%M:%S%z}: ask the provider")
        else:
            middle = (begin + (end - begin) / 2).replace(microsecond=0)
            pending.extendleft([(max(middle, begin + SHORTEST), end), (begin, max(middle, begin + SHORTEST))])


def _windows(since: datetime, until: datetime, longest: timedelta) -> deque[tuple[datetime, datetime]]:
    found: deque[tuple[datetime, datetime]] = deque()
    while since < until:
        end = since + min(longest, until - since)
        found.append((since, end))
        since = end
    return found


async def _patient(
    search: Search, begin: datetime, end: datetime, sleep: Callable[[float], Awaitable[None]]
) -> Sequence[LoggedCall] | None:
    """The rows of a window; None if there are too many. Waits while there are too many requests."""
    for pause in (*PAUSES, None):
        try:
            return await search(begin, end)
        except RowLimitError:
            return None
        except RateLimitError:
            if pause is None:
                raise
            logger.warning("the call log has had too many requests; trying again in %d s", pause)
            await sleep(pause)
    return None


def _new_rows(rows: Sequence[LoggedCall], seen: set[bytes]) -> list[LoggedCall]:
    new = []
    for row in rows:
        content = orjson.dumps(row.values, option=orjson.OPT_SORT_KEYS, default=str)
        key = hashlib.blake2b(content, digest_size=12).digest()
        if key not in seen:
            seen.add(key)
            new.append(row)
    return new
