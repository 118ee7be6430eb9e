"""A provider that calls no more: longer than is usual at this hour of the week, or than a set time.

What is usual is learned: of each of the last weeks the longest silence around this hour of the week. An hour before and
an hour after are included, which also covers the change to summer time. The longest of all is left out if there are
enough weeks, because it may be an outage. A silence is an alarm when it is TIMES as long as the longest that remains.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby

from receiver.operations.alarms.condition import Problem, spoken
from storage import Database, activity
from storage.activity import HourOfActivity

WEEKS = 8
"""Weeks that are learned from."""
LEAST_WEEKS = 2
"""Weeks below which nothing is usual yet."""
WEEKS_WITH_OUTAGE = 6
"""Weeks from which on the longest silence is left out."""
TIMES = 2.0
"""How much longer than usual."""
LEAST_SECONDS = 900.0
"""A shorter silence is never an alarm, unless it is set."""
PATIENCE_SECONDS = 300.0
"""Time for a provider to call again after the receiver was down."""
STEP = timedelta(days=1)
"""The time that one query summarises: a journal may have millions of rows in it."""
OVERLAP = timedelta(minutes=2)
"""Callbacks that were received before a reading and are committed after it."""
_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class SilenceFacts:
    """When each provider called, hour by hour, in the hours that are over; and when it called last."""

    hours: Mapping[str, Sequence[HourOfActivity]] = field(default_factory=dict)
    last: Mapping[str, datetime] = field(default_factory=dict)


class ProviderSilent:
    """An alarm while a provider is silent for too long. `set_seconds` are the set times, by provider."""

    name = "provider_silent"
    scope = ""
    patience = PATIENCE_SECONDS
    every = 0.0

    def __init__(self, database: Database, *, learned: bool, set_seconds: Mapping[str, float], began: datetime) -> None:
        self._database = database
        self._learned = learned
        self._set_seconds = set_seconds
        self._began = began
        self._hours: dict[str, list[HourOfActivity]] = {}
        self._hours_until: datetime | None = None
        self._last: dict[str, datetime] = {}
        self._last_until: datetime | None = None

    async def read(self, now: datetime) -> SilenceFacts:
        """What the journal has; hours that are over are summarised once and stored."""
        hour = _hour_of(now)
        if self._hours_until != hour:
            past = await self._learn(hour)
            self._hours = {name: list(own) for name, own in groupby(past, key=lambda one: one.provider)}
            for name, own in self._hours.items():
                self._last[name] = max(own[-1].last_at, self._last.get(name, own[-1].last_at))
            self._hours_until = hour
        since = (self._last_until or hour) - OVERLAP
        self._last |= await self._database.read(partial(activity.last_callbacks, since=since))
        self._last_until = now
        return SilenceFacts(dict(self._hours), dict(self._last))

    async def _learn(self, hour: datetime) -> list[HourOfActivity]:
        """The hours before this one; those that are not stored yet are summarised first."""
        oldest = hour - (WEEKS + 1) * _WEEK
        known = await self._database.read(partial(activity.load, since=oldest))
        at = max((one.hour for one in known), default=None)
        if at is None:
            first = await self._database.read(activity.first_callback_at)
            at = max(oldest, _hour_of(first)) if first else hour
        while at < hour:
            until = min(at + STEP, hour)
            found = await self._database.read(partial(activity.summarise, since=at, until=until))
            await self._database.write(partial(activity.add, hours=found))
            at = until
        await self._database.write(partial(activity.prune, before=oldest))
        return await self._database.read(partial(activity.load, since=oldest))

    def judge(self, facts: SilenceFacts, now: datetime) -> list[Problem]:
        """One problem for each provider that is silent."""
        problems = []
        for provider in sorted({*facts.last, *self._set_seconds}):
            hours = facts.hours.get(provider, ())
            last = facts.last.get(provider)
            silent = (now - (last or self._began)).total_seconds()
            usual = usual_silence(hours, now) if self._learned else None
            limit = self._set_seconds.get(provider) or (None if usual is None else max(TIMES * usual, LEAST_SECONDS))
            if limit is not None and silent >= limit:
                problems.append(Problem(_text(provider, last, silent, usual), provider))
        return problems


def _text(provider: str, last: datetime | None, silent: float, usual: float | None) -> str:
    since = f"since {last.isoformat(sep=' ', timespec='seconds')}" if last else "since the receiver started"
    known = "" if usual is None else f"; the longest usual silence at this hour of the week is {spoken(usual)}"
    return f"{provider} has sent nothing {since}, for {spoken(silent)}{known}"


def usual_silence(hours: Sequence[HourOfActivity], now: datetime) -> float | None:
    """The longest usual silence at this hour of the week, in seconds; None where too little is known.

    `hours` are those of one provider, in order.
    """
    if not hours:
        return None
    now_hour = _hour_of(now)
    begins = [one.hour for one in hours]
    by_week = sorted(
        max(_silence_in(hours, begins, then + offset * _HOUR) for offset in (-1, 0, 1))
        for week in range(1, WEEKS + 1)
        if (then := now_hour - week * _WEEK) - _HOUR > begins[0]
    )
    if len(by_week) < LEAST_WEEKS:
        return None
    return by_week[-2 if len(by_week) >= WEEKS_WITH_OUTAGE else -1]


def _silence_in(hours: Sequence[HourOfActivity], begins: Sequence[datetime], hour: datetime) -> float:
    """The longest silence that was in progress within that hour, as long as it had lasted by then, in seconds.

    `begins` are when the `hours` began, the first of them before that hour.
    """
    place = bisect_left(begins, hour)
    before, end = hours[place - 1].last_at, hour + _HOUR
    if place == len(begins) or begins[place] != hour:
        return (end - before).total_seconds()
    own = hours[place]
    return max(own.first_at - before, own.longest_gap, end - own.last_at).total_seconds()


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
