"""Reconcile the journal with a provider's call log, and fetch the records that never came.

The log is read, compared and fetched span by span. Every step may be repeated: a run that is interrupted loses nothing,
and the next one goes on where it stopped.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

from receiver.intake.fetched import fetched_row
from receiver.operations.journal_records import JournalRecords, Stored
from receiver.operations.log_spans import TAIL, LogSpan, read_spans
from receiver.operations.matching import differences, match
from receiver.operations.windows import Window, read_windows
from receiver.plugins.registry import Registry
from receiver.providers.base.call_log import CallLeg, CallLogSource, LoggedCall
from receiver.providers.base.contract import Provider
from storage import Database, fetched
from storage.fetched import FetchedCallback

CALLS = 100
"""Calls that are fetched in one transaction."""
TRIES = 5
"""How often a call is compared again whose callbacks arrive while it is fetched; then the next run fetches it."""


class Result(StrEnum):
    """Where a record was found."""

    BOTH = "both"
    DIFFERENT = "different"
    """In both, with other values."""
    MISSING = "missing"
    """In the call log alone."""
    FETCHED = "fetched"
    """It was missing, and is in the journal now."""
    UNIDENTIFIED = "unidentified"
    """In the call log alone, without a call id. It is not fetched: a late original could not be told from it."""
    ONLY_HERE = "only_here"
    """In the journal alone."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One record, and where it was found."""

    provider: str
    result: Result
    leg: CallLeg
    callback_id: int | None = None
    differences: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What is in the call log and in the journal, by the name of the value."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the result: that of some calls, by the time that they began."""

    rows: Sequence[Comparison]
    reached: datetime
    """All calls that began before it are compared."""


def count(rows: Iterable[Comparison]) -> dict[str, int]:
    """How many records have each result."""
    found = Counter(row.result for row in rows)
    return {result.value: found[result] for result in Result}


class Reconciler:
    """Compares one provider's call log with the journal. `client` is the client of its API.

    With a `registry`, missing records are stored and delivered to its handlers.
    """

    def __init__(
        self,
        database: Database,
        provider: Provider[Any],
        source: CallLogSource,
        client: Any,
        *,
        registry: Registry | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_step: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._provider = provider
        self._source = source
        self._client = client
        self._registry = registry
        self._sleep = sleep
        self._on_step = on_step or _nothing

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._provider.name

    @property
    def has_callbacks(self) -> bool:
        """Whether the provider sends callbacks; if not, every record is missing until it is fetched."""
        return bool(self._provider.endpoints)

    async def spans(self, since: datetime, until: datetime) -> AsyncIterator[Span]:
        """Every record of the calls that began between these moments, about a day's at a time, about 2 KB each.

        Raises an ApiError, TooManyRowsError or StoreError; what the earlier spans have stored stays.
        """
        records = JournalRecords(self._database, self._provider, self._source, since, until)
        async for span in read_spans(self._read_log(since, until), until):
            rows = await self._compare(span, records)
            rows.sort(key=lambda row: (row.leg.started or since, row.leg.call_id, row.leg.type))
            yield Span(rows, span.reached)

    async def _read_log(self, since: datetime, until: datetime) -> AsyncIterator[Window]:
        search = partial(self._source.search, self._client)
        windows = read_windows(
            search, since, until, max_rows=self._source.max_rows, longest=self._source.longest, sleep=self._sleep
        )
        async for window in windows:
            yield window
            await self._on_step()

    async def _compare(self, span: LogSpan, records: JournalRecords) -> list[Comparison]:
        call_ids = {one.leg.call_id for one in span.rows}
        stored = await records.candidates(call_ids - {""}, span.reached, with_all="" in call_ids)
        matches = match([one.leg for one in span.rows], [one.leg for one in stored])
        rows = [self._in_both(span.rows[there].leg, stored[here]) for there, here in matches.both]
        records.discard(stored[here] for _, here in matches.both)
        # What has an equal without a call id must not be found missing when its call is compared again.
        known = {there for there, here in matches.both if not stored[here].leg.call_id}
        logged = [row for place, row in enumerate(span.rows) if place not in known]
        rows += await self._missing([span.rows[place].leg for place in matches.only_there], logged, records)
        before = None if span.is_last else span.reached - TAIL
        return rows + [self._only_here(one) for one in records.take_unmatched(before, span.open_calls)]

    def _in_both(self, leg: CallLeg, stored: Stored) -> Comparison:
        found = differences(leg, stored.leg)
        result = Result.DIFFERENT if found else Result.BOTH
        return Comparison(self._provider.name, result, leg, stored.callback_id, found)

    def _only_here(self, stored: Stored) -> Comparison:
        return Comparison(self._provider.name, Result.ONLY_HERE, stored.leg, stored.callback_id)

    async def _missing(
        self, legs: Sequence[CallLeg], logged: Sequence[LoggedCall], records: JournalRecords
    ) -> list[Comparison]:
        rows = [
            Comparison(self._provider.name, Result.MISSING if leg.call_id else Result.UNIDENTIFIED, leg) for leg in legs
        ]
        ids = dict.fromkeys(leg.call_id for leg in legs if leg.call_id)
        if self._registry is None or not ids:
            return rows
        calls: dict[str, list[LoggedCall]] = defaultdict(list)
        for one in logged:
            calls[one.leg.call_id].append(one)
        left: set[CallLeg] = set()
        for some in _batches(ids, CALLS):
            left |= await self._fetch_calls({call_id: calls[call_id] for call_id in some}, records, self._registry)
            await self._on_step()
        return [
            replace(row, result=Result.FETCHED) if row.result is Result.MISSING and row.leg not in left else row
            for row in rows
        ]

    async def _fetch_calls(
        self, calls: dict[str, list[LoggedCall]], records: JournalRecords, registry: Registry
    ) -> set[CallLeg]:
        """Store what is missing of these calls, whose rows these are; what is still missing in the end."""
        left: set[CallLeg] = set()
        for _ in range(TRIES):
            counts, stored = await records.of_calls(calls)
            missing = [row for call_id, rows in calls.items() for row in _only_there(call_id, rows, stored)]
            if not missing:
                return set()
            batch = [self._as_callback(row, registry, counts.get(row.leg.call_id, 0)) for row in missing]
            results = await self._database.write(partial(fetched.store, batch=batch))
            left = {row.leg for row, is_stored in zip(missing, results, strict=True) if not is_stored}
            if not left:
                break
        return left

    def _as_callback(self, row: LoggedCall, registry: Registry, known: int) -> FetchedCallback:
        request = self._source.request(row.values, datetime.now(UTC))
        return FetchedCallback(fetched_row(self._provider, registry, request), known)


def _only_there(call_id: str, rows: Sequence[LoggedCall], records: Sequence[Stored]) -> list[LoggedCall]:
    legs = [record.leg for record in records if record.leg.call_id == call_id]
    return [rows[place] for place in match([row.leg for row in rows], legs).only_there]


def _batches(call_ids: Iterable[str], size: int) -> Iterator[list[str]]:
    ids = list(call_ids)
    return (ids[at : at + size] for at in range(0, len(ids), size))


async def _nothing() -> None:
    """What a step is followed by where nothing waits for it."""
