"""Matching rows of a call log with callbacks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from receiver.operations.matching import differences, match
from receiver.providers.base.call_log import CallLeg

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def leg(call_id: str = "c1", type_: str = "queue", minute: float | None = 0, to: str = "972540000000") -> CallLeg:
    """A leg that began so many minutes after noon."""
    started = None if minute is None else NOON + timedelta(minutes=minute)
    return CallLeg(call_id, type_, ("972501111111", to), started)


@pytest.mark.parametrize(
    ("logged", "stored", "both", "only_there", "only_here"),
    [
        ([leg()], [leg()], [(0, 0)], [], []),
        ([leg()], [], [], [0], []),
        ([], [leg()], [], [], [0]),
        ([leg()], [leg("c2")], [], [0], [0]),
        # the legs of a call share its id
        ([leg(type_="leg1"), leg(type_="leg2")], [leg(type_="leg2")], [(1, 0)], [0], []),
        # several legs of one type: the time decides, then the number
        ([leg(minute=0), leg(minute=1)], [leg(minute=1)], [(1, 0)], [0], []),
        ([leg(to="1"), leg(to="2")], [leg(to="2")], [(1, 0)], [0], []),
        ([leg(minute=0, to="1"), leg(minute=0, to="2")], [leg(minute=9, to="1")], [(0, 0)], [1], []),
        # a wrong zone, a missing time and another notation make no doubles
        ([leg(minute=0)], [leg(minute=120)], [(0, 0)], [], []),
        ([leg(minute=None)], [leg()], [(0, 0)], [], []),
        ([leg(to="SIP1")], [leg(to="972540000000")], [(0, 0)], [], []),
        ([leg(minute=0), leg(minute=1)], [leg(minute=121), leg(minute=120)], [(0, 1), (1, 0)], [], []),
        # a row that is repeated with another time is another record
        ([leg(), leg(minute=5)], [leg()], [(0, 0)], [1], []),
        # no type on one side
        ([leg(type_="")], [leg()], [(0, 0)], [], []),
        ([leg()], [leg(type_="", minute=None, to="")], [(0, 0)], [], []),
        # no call id: type, numbers and time must be equal
        ([leg("")], [leg("")], [(0, 0)], [], []),
        ([leg("", minute=1)], [leg("")], [], [0], [0]),
        ([leg("", minute=None)], [leg("", minute=None)], [], [0], [0]),
        ([leg("", to="1")], [leg("", to="2")], [], [0], [0]),
    ],
)
def test_each_row_is_matched_with_at_most_one_callback(
    logged: list[CallLeg],
    stored: list[CallLeg],
    both: list[tuple[int, int]],
    only_there: list[int],
    only_here: list[int],
) -> None:
    """By call id and type, then by time and numbers."""
    found = match(logged, stored)
    assert (list(found.both), list(found.only_there), list(found.only_here)) == (both, only_there, only_here)


@pytest.mark.parametrize(
    ("there", "here", "differ"),
    [
        ((10, "ANSWER", "1.50"), (10, "answer ", "1.5"), set()),
        ((10, "ANSWER", "1"), (11, "BUSY", "2"), {"duration", "status", "price"}),
        ((10, "ANSWER", "0.07"), (10, "ANSWER", "7"), set()),  # ILS there, agorot here: the document names no unit
        ((None, "", None), (10, "ANSWER", "7"), set()),
    ],
)
def test_what_differs_is_named(
    there: tuple[int | None, str, str | None], here: tuple[int | None, str, str | None], differ: set[str]
) -> None:
    """What one side does not report is no difference."""
    legs = [
        CallLeg("c1", "queue", ("", ""), NOON, seconds, status, None if price is None else Decimal(price))
        for seconds, status, price in (there, here)
    ]
    assert set(differences(*legs)) == differ


def test_a_wrong_zone_does_not_take_one_leg_for_another() -> None:
    """Two legs of one type and number, of which one came: its length says which, although its time is two hours off."""
    first, second = replace(leg(minute=0), duration_seconds=30), replace(leg(minute=1), duration_seconds=95)
    found = match([first, second], [replace(leg(minute=121), duration_seconds=95)])
    assert (list(found.both), list(found.only_there)) == ([(1, 0)], [0])
