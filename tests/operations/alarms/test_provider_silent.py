"""A silent provider: longer than is usual at this hour of the week, or than a set time."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

import pytest

from receiver.operations.alarms.provider_silent import ProviderSilent, SilenceFacts, usual_silence
from storage import Database, activity
from storage.activity import HourOfActivity
from tests.operations.alarms.random_weeks import SUNDAY, alarms_of, calls_of
from tests.storage.support import append, new_callback

pytestmark = pytest.mark.anyio
MONDAY = datetime.fromisoformat("2026-11-16T00:00:00+00:00")


def office_hours(weeks: int, *, outage_in_week: int | None = None) -> Iterator[HourOfActivity]:
    """Hours from 8 to 18 on five days, with a callback every four minutes; the weeks before MONDAY, oldest first."""
    for week in range(weeks, 0, -1):
        for day in range(5):
            for hour in range(8, 18):
                began = MONDAY + timedelta(weeks=-week, days=day, hours=hour)
                if week == outage_in_week and day == 0 and hour > 9:
                    continue
                yield HourOfActivity(
                    provider="voicenter",
                    hour=began,
                    callbacks=15,
                    first_at=began + timedelta(minutes=2),
                    last_at=began + timedelta(minutes=58),
                    longest_gap=timedelta(minutes=4),
                )


def judged(hours: Sequence[HourOfActivity], last: datetime, now: datetime, set_seconds: float = 0) -> list[str]:
    """The subjects of the problems."""
    condition = ProviderSilent(
        None,  # type: ignore[arg-type]  # judging reads nothing
        learned=True,
        set_seconds={"voicenter": set_seconds} if set_seconds else {},
        began=MONDAY,
    )
    facts = SilenceFacts({"voicenter": hours}, {"voicenter": last})
    return [problem.subject for problem in condition.judge(facts, now)]


@pytest.mark.parametrize(
    ("day", "hour", "minutes"),
    [
        (0, 12, 4),  # at noon a call every four minutes
        (0, 3, 60 * (6 + 24 + 24 + 5)),  # before Monday morning, since Friday at 18
        (2, 3, 11 * 60 + 2),  # at night, since the evening; up to 5 o'clock, the end of the hour after
        (6, 12, 60 * (6 + 24 + 14)),
    ],
)
def test_what_is_usual_is_the_longest_silence_around_this_hour_of_the_week(day: int, hour: int, minutes: int) -> None:
    """A night and a weekend are usual, and a pause at noon is not."""
    now = MONDAY + timedelta(days=day, hours=hour, minutes=30)
    usual = usual_silence(list(office_hours(4)), now)
    assert usual is not None
    assert minutes - 1 <= usual / 60 <= minutes + 2


def test_nothing_is_usual_before_two_weeks() -> None:
    """A receiver that is new has no alarm by learning."""
    now = MONDAY + timedelta(hours=12)
    assert usual_silence(list(office_hours(1)), now) is None
    assert usual_silence(list(office_hours(2))[2:], now) is not None
    assert usual_silence([], now) is None


def test_one_outage_among_six_weeks_is_not_usual() -> None:
    """Else nothing would be an alarm for two months."""
    now = MONDAY + timedelta(hours=12)
    assert usual_silence(list(office_hours(6, outage_in_week=2)), now) == 240
    assert (usual_silence(list(office_hours(5, outage_in_week=2)), now) or 0) > 3600


@pytest.mark.parametrize(
    ("last", "now", "set_seconds", "is_silent"),
    [
        ((0, 11, 50), (0, 12, 4), 0, False),  # within a quarter of an hour
        ((0, 11, 50), (0, 12, 6), 0, True),
        ((-3, 17, 58), (0, 3, 0), 0, False),  # the weekend
        ((-3, 17, 58), (0, 8, 30), 0, False),  # the first hour of the week
        ((-3, 17, 58), (0, 10, 30), 0, True),  # it has not begun as usual
        ((0, 11, 50), (0, 11, 52), 60, True),
        ((0, 11, 50), (0, 12, 30), 3600, False),  # a set time counts, whatever was learned
    ],
)
def test_a_silence_is_judged_by_a_set_time_or_by_what_is_usual(
    last: tuple[int, int, int], now: tuple[int, int, int], set_seconds: float, is_silent: bool
) -> None:
    """Twice as long as usual, and a quarter of an hour at least."""
    then, at = (MONDAY + timedelta(days=day, hours=hour, minutes=minute) for day, hour, minute in (last, now))
    assert judged(list(office_hours(4)), then, at, set_seconds) == ["voicenter"] * is_silent


@pytest.mark.parametrize(("per_hour", "minutes"), [(10, 120), (30, 60), (100, 21)])
def test_random_calls_of_a_week_are_no_alarm_and_an_outage_is(per_hour: float, minutes: int) -> None:
    """After three weeks of calls in office hours; the outage begins on Tuesday at 11."""
    calls = calls_of(4, per_hour, Random(7))
    begins = SUNDAY + timedelta(weeks=3)
    assert alarms_of(calls, begins, begins + timedelta(days=7)) == []
    outage = begins + timedelta(days=2, hours=11)
    [noticed, *_] = alarms_of([at for at in calls if at < outage], outage, outage + timedelta(hours=4))
    assert noticed - outage <= timedelta(minutes=minutes)


async def test_activity_is_learned_from_the_journal_once(database: Database) -> None:
    """By the hour, with the longest gap; the current hour is read, and summarised when it is over."""
    moments = [MONDAY + timedelta(minutes=minute) for minute in (5, 10, 40, 61, 190)]
    append(database, *(new_callback(str(at), received_at=at) for at in moments))
    append(database, new_callback("spokn", provider="spokn", received_at=moments[0]))
    condition = ProviderSilent(database, learned=True, set_seconds={}, began=MONDAY)
    facts = await condition.read(MONDAY + timedelta(minutes=200))
    assert facts.last == {"voicenter": moments[4], "spokn": moments[0]}
    found = [(one.hour, one.callbacks, one.longest_gap) for one in facts.hours["voicenter"]]
    assert found == [
        (MONDAY, 3, timedelta(minutes=30)),
        (MONDAY + timedelta(hours=1), 1, timedelta()),
    ]
    append(database, new_callback("late", received_at=MONDAY + timedelta(minutes=201)))
    facts = await condition.read(MONDAY + timedelta(minutes=202))
    assert facts.last["voicenter"] == MONDAY + timedelta(minutes=201)
    facts = await condition.read(MONDAY + timedelta(minutes=242))
    assert [one.callbacks for one in facts.hours["voicenter"]] == [3, 1, 2]


async def test_activity_outlives_its_callbacks(database: Database) -> None:
    """Weeks are learned from also where the journal keeps days; nine weeks later they are deleted."""
    hours = [one for one in office_hours(3) if one.hour.weekday() == 0]
    with database.begin() as connection:
        activity.add(connection, hours)
        activity.add(connection, hours)  # a process that crashed in between may do so again
    condition = ProviderSilent(database, learned=True, set_seconds={}, began=MONDAY)
    facts = await condition.read(MONDAY + timedelta(hours=12))
    assert facts.hours["voicenter"] == hours
    later = await ProviderSilent(database, learned=True, set_seconds={}, began=MONDAY).read(MONDAY + timedelta(weeks=9))
    assert later.hours == {}
