"""Weeks of random calls in office hours, to measure what a silent provider's alarm notices and what it makes up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from random import Random

from receiver.operations.alarms.condition import Problem
from receiver.operations.alarms.provider_silent import PATIENCE_SECONDS, ProviderSilent, SilenceFacts
from storage.activity import HourOfActivity

SUNDAY = datetime.fromisoformat("2026-09-06T00:00:00+00:00")
STEP = timedelta(minutes=1)


def calls_of(weeks: int, per_hour: float, random: Random) -> list[datetime]:
    """When calls came: from 8 to 18 on five days a week, half as many in the first and the last hour."""
    found = []
    for day in range(weeks * 7):
        if day % 7 >= 5:
            continue
        opens = SUNDAY + timedelta(days=day, hours=8)
        at = opens
        while True:
            hour = (at - opens) / timedelta(hours=1)
            at += timedelta(hours=random.expovariate(per_hour * (1 if 1 <= hour < 9 else 0.5)))
            if at >= opens + timedelta(hours=10):
                break
            found.append(at)
    return found


def hours_of(calls: Sequence[datetime]) -> list[HourOfActivity]:
    """The activity of these calls."""
    found = []
    for hour, within in groupby(calls, key=lambda at: at.replace(minute=0, second=0, microsecond=0)):
        own = list(within)
        gap = max((later - earlier for earlier, later in pairwise(own)), default=timedelta())
        found.append(
            HourOfActivity(
                provider="p", hour=hour, callbacks=len(own), first_at=own[0], last_at=own[-1], longest_gap=gap
            )
        )
    return found


def alarms_of(calls: Sequence[datetime], since: datetime, until: datetime) -> list[datetime]:
    """When alarms begin, evaluated each minute; what came before `since` is learned from."""
    # stands in for the real one
    condition = ProviderSilent(None, learned=True, set_seconds={}, began=SUNDAY)  # type: ignore[arg-type]
    hours = {"p": hours_of([at for at in calls if at < since])}
    waiting = list(calls)
    last, wrong_since, begun = calls[0], None, []
    now = since
    is_active = False
    while now < until:
        while waiting and waiting[0] <= now:
            last = waiting.pop(0)
        problems: list[Problem] = condition.judge(SilenceFacts(hours, {"p": last}), now)
        wrong_since = (wrong_since or now) if problems else None
        if wrong_since is None:
            is_active = False
        elif not is_active and (now - wrong_since).total_seconds() >= PATIENCE_SECONDS:
            is_active = True
            begun.append(now)
        now += STEP
    return begun
