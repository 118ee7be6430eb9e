"""The journal's records for a comparison with a call log: read in order of receipt, kept until they are compared."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.providers.base.call_log import CallLeg, CallLogSource
from receiver.providers.base.contract import Provider
from storage import Database, StoredCallback, fetched, journal

PAGE = 500
LATE = timedelta(days=1)
"""How long after a call began its callbacks are looked for by time; later ones are found by the call id."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record in the journal."""

    callback_id: int
    received_at: datetime
    leg: CallLeg


class JournalRecords:
    """The records of one provider whose calls began at `since` or later."""

    def __init__(
        self, database: Database, provider: Provider[Any], source: CallLogSource, since: datetime, until: datetime
    ) -> None:
        self._database = database
        self._provider = provider
        self._source = source
        self._since = since
        self._until = until
        self._read_up_to = (since, 0)
        """The time and the number of the last callback that was read."""
        self._began = datetime.now(UTC)
        self._matched_early: set[int] = set()
        """Records that were matched by their call id before they are read by their time, such as fetched ones."""
        self._waiting: dict[int, Stored] = {}

    async def candidates(self, call_ids: set[str], reached: datetime, *, with_all: bool) -> list[Stored]:
        """The records of these calls, whenever they came, and those without a call id; or all up to `reached`.

        All are those that were received within LATE of it.
        """
        await self._read_until(min(reached, self._until) + LATE)
        found = [
            one for one in self._waiting.values() if with_all or not one.leg.call_id or one.leg.call_id in call_ids
        ]
        others = list(call_ids - {one.leg.call_id for one in found})
        for at in range(0, len(others), PAGE):
            _, records = await self.of_calls(others[at : at + PAGE])
            found += records
        return found

    async def of_calls(self, call_ids: Collection[str]) -> tuple[dict[str, int], list[Stored]]:
        """How many callbacks each of these calls has, counted first, and its records."""
        read = partial(fetched.of_calls, provider=self._provider.name, kind=self._source.kind, call_ids=tuple(call_ids))
        counts, callbacks = await self._database.read(read)
        return counts, list(self._records(callbacks))

    def discard(self, records: Iterable[Stored]) -> None:
        """Forget records that were matched."""
        for one in records:
            if self._waiting.pop(one.callback_id, None) is None and one.received_at >= self._read_up_to[0]:
                self._matched_early.add(one.callback_id)

    def take_unmatched(self, before: datetime | None, open_calls: Collection[str]) -> list[Stored]:
        """Forget the records of calls that began before that moment, or of all calls; those of the span are returned.

        Records of `open_calls` stay: their rows come later.
        """
        done = [
            one
            for one in self._waiting.values()
            if (before is None or (one.leg.started or one.received_at) < before) and one.leg.call_id not in open_calls
        ]
        self.discard(done)
        return [one for one in done if one.leg.started and self._since <= one.leg.started <= self._until]

    async def _read_until(self, moment: datetime) -> None:
        """What arrives during the run, such as records that it fetches, is found by its call id."""
        moment = min(moment, self._began)
        while self._read_up_to[0] < moment:
            read = partial(
                journal.page_by_time,
                provider=self._provider.name,
                kind=self._source.kind,
                after=self._read_up_to,
                until=moment,
                limit=PAGE,
            )
            page = await self._database.read(read)
            new = {one.callback_id: one for one in self._records(page)}
            self._waiting |= {key: new[key] for key in new.keys() - self._matched_early}
            self._matched_early -= new.keys()
            is_full = len(page) == PAGE
            self._read_up_to = (page[-1].received_at, page[-1].id) if is_full else (moment, 0)

    def _records(self, callbacks: Sequence[StoredCallback]) -> Iterator[Stored]:
        """The records among callbacks. Of one without its bytes the call id is known: it counts for any leg."""
        for callback in callbacks:
            if callback.duplicate_of is not None or callback.outcome == "unparsed":
                continue
            try:
                leg = self._source.leg_of(reread(self._provider, callback))
            except PayloadError:
                leg = CallLeg(callback.call_id, "", ("", ""), None)
            yield Stored(callback.id, callback.received_at, leg)
