"""Reconcile the journal with a provider's call log, and fetch the records that never came.

Every step may be repeated. A run that is interrupted loses nothing: the next one finds what it stored, and goes on
with the rest.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from receiver.errors import PayloadError
from receiver.intake.fetched import fetched_row
from receiver.intake.reread import reread
from receiver.operations.matching import Matches, differences, match
from receiver.operations.windows import read_windows
from receiver.plugins.registry import Registry
from receiver.providers.base.call_log import CallLeg, CallLogSource, LoggedCall
from receiver.providers.base.contract import Provider
from storage import Database, StoredCallback, fetched, journal
from storage.fetched import FetchedCallback
from storage.values import Filter

PAGE = 500
CALLS = 100
"""Calls that are fetched in one transaction."""
TRIES = 5
"""How often a call is compared again whose callbacks arrive while it is fetched; then the next run fetches it."""
LATE = timedelta(days=1)
"""How long after the end of the span the callbacks of its calls are looked for, beside those with a known call id."""


class Result(StrEnum):
    """Where a record was found."""

    BOTH = "both"
    DIFFERENT = "different"
    """In both, with other values."""
    MISSING = "missing"
    """In the call log alone."""
    FETCHED = "fetched"
    """It was missing, and is in the journal now."""
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
class Stored:
    """A record in the journal."""

    callback_id: int
    leg: CallLeg


def count(rows: Sequence[Comparison]) -> dict[str, int]:
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

    async def run(self, since: datetime, until: datetime) -> list[Comparison]:
        """Every record of the calls that began in this span. Raises an ApiError, TooManyRowsError or StoreError.

        The rows of the whole span are in memory, about 2 KB each: a call may have records in several windows.
        """
        logged = await self._read_log(since, until)
        stored = await self._read_journal(since, until, {one.leg.call_id for one in logged} - {""})
        matches = match([one.leg for one in logged], [one.leg for one in stored])
        rows = [self._in_both(logged[there].leg, stored[here]) for there, here in matches.both]
        rows += await self._missing(logged, matches)
        rows += [self._only_here(stored[here]) for here in matches.only_here if _began(stored[here], since, until)]
        return sorted(rows, key=lambda row: (row.leg.started or since, row.leg.call_id, row.leg.type))

    async def _read_log(self, since: datetime, until: datetime) -> list[LoggedCall]:
        found: list[LoggedCall] = []
        search = partial(self._source.search, self._client)
        windows = read_windows(
            search, since, until, max_rows=self._source.max_rows, longest=self._source.longest, sleep=self._sleep
        )
        async for rows in windows:
            found.extend(rows)
            await self._on_step()
        return found

    async def _read_journal(self, since: datetime, until: datetime, call_ids: set[str]) -> list[Stored]:
        """The records of that span, and those of these calls whenever they came."""
        wanted = Filter(provider=self._provider.name, kind=self._source.kind, since=since, until=until + LATE)
        last = 0
        found: dict[int, Stored] = {}
        while page := await self._database.read(partial(journal.page, wanted=wanted, after=last, limit=PAGE)):
            last = page[-1].id
            found |= {one.callback_id: one for one in self._records(page)}
        others = call_ids - {one.leg.call_id for one in found.values()}
        for ids in _batches(others, PAGE):
            _, callbacks = await self._of_calls(ids)
            found |= {one.callback_id: one for one in self._records(callbacks)}
        return list(found.values())

    async def _of_calls(self, call_ids: Collection[str]) -> tuple[dict[str, int], list[StoredCallback]]:
        read = partial(fetched.of_calls, provider=self._provider.name, kind=self._source.kind, call_ids=tuple(call_ids))
        return await self._database.read(read)

    def _records(self, callbacks: Sequence[StoredCallback]) -> Iterator[Stored]:
        """The records among callbacks. Of one without its bytes the call id is known: it counts for any leg."""
        for callback in callbacks:
            if callback.duplicate_of is not None or callback.outcome == "unparsed":
                continue
            try:
                leg = self._source.leg_of(reread(self._provider, callback))
            except PayloadError:
                leg = CallLeg(callback.call_id, "", ("", ""), None)
            yield Stored(callback.id, leg)

    def _in_both(self, leg: CallLeg, stored: Stored) -> Comparison:
        found = differences(leg, stored.leg)
        result = Result.DIFFERENT if found else Result.BOTH
        return Comparison(self._provider.name, result, leg, stored.callback_id, found)

    def _only_here(self, stored: Stored) -> Comparison:
        return Comparison(self._provider.name, Result.ONLY_HERE, stored.leg, stored.callback_id)

    async def _missing(self, logged: Sequence[LoggedCall], matches: Matches) -> list[Comparison]:
        missing = [Comparison(self._provider.name, Result.MISSING, logged[place].leg) for place in matches.only_there]
        if self._registry is None or not missing:
            return missing
        calls: dict[str, list[LoggedCall]] = defaultdict(list)
        for one in logged:
            calls[one.leg.call_id].append(one)
        rows: list[Comparison] = []
        ids = dict.fromkeys(row.leg.call_id for row in missing)
        for some in _batches(ids, CALLS):
            left = await self._fetch_calls({call_id: calls[call_id] for call_id in some}, self._registry)
            rows += [
                replace(row, result=Result.MISSING if row.leg in left else Result.FETCHED)
                for row in missing
                if row.leg.call_id in some
            ]
            await self._on_step()
        return rows

    async def _fetch_calls(self, calls: dict[str, list[LoggedCall]], registry: Registry) -> list[CallLeg]:
        """Store what is missing of these calls, whose rows these are; what is still missing in the end."""
        left: list[CallLeg] = []
        for _ in range(TRIES):
            counts, callbacks = await self._of_calls(calls)
            records = list(self._records(callbacks))
            missing = [row for call_id, rows in calls.items() for row in _only_there(call_id, rows, records)]
            if not missing:
                return []
            batch = [self._as_callback(row, registry, counts.get(row.leg.call_id, 0)) for row in missing]
            results = await self._database.write(partial(fetched.store, batch=batch))
            left = [row.leg for row, is_stored in zip(missing, results, strict=True) if not is_stored]
            if not left:
                return []
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


def _began(stored: Stored, since: datetime, until: datetime) -> bool:
    return stored.leg.started is not None and since <= stored.leg.started <= until


async def _nothing() -> None:
    """What a step is followed by where nothing waits for it."""
