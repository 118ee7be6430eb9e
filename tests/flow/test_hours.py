"""Opening hours, by the clock of the question."""

import builtins
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from receiver import Setting
from receiver.errors import HandlerError
from receiver.flow import Flow
from receiver.providers.voicenter import Hangup
from tests.flow.support import Phone


def shop(hours: Any = "Su-Th 08:00-17:00; Fr 08:00-12:00", **options: Any) -> Flow:
    """A shop that says whether it is open."""
    flow = Flow("shop", start="hours")
    flow.hours("hours", hours, **{"zone": "Asia/Jerusalem", "open": "open", "closed": "closed", **options})
    for name in ("open", "closed", "holiday"):
        flow.end(name, name)
    return flow


def heard(flow: Flow, now: datetime, **settings: Any) -> str:
    """What a caller hears at that moment."""
    reply = Phone(flow, now=now, settings=settings).start()
    assert isinstance(reply, Hangup)
    return reply.rec or ""


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 3, 1, 6, 0, tzinfo=UTC), "open"),  # Sunday, 08:00 in Jerusalem
        (datetime(2026, 3, 1, 5, 59, tzinfo=UTC), "closed"),
        (datetime(2026, 3, 1, 14, 59, tzinfo=UTC), "open"),
        (datetime(2026, 3, 1, 15, 0, tzinfo=UTC), "closed"),
        (datetime(2026, 3, 6, 9, 0, tzinfo=UTC), "open"),  # Friday, 11:00
        (datetime(2026, 3, 7, 9, 0, tzinfo=UTC), "closed"),  # Saturday
        (datetime(2026, 7, 5, 5, 0, tzinfo=UTC), "open"),  # Sunday, 08:00 in summer
    ],
)
def test_callers_go_where_the_hours_say(now: datetime, expected: str) -> None:
    """Hours are wall-clock time of the zone, in summer and in winter; the clock is the question's."""
    assert heard(shop(), now) == expected


@pytest.mark.parametrize("holidays", [["2026-03-01"], ["2026-02-27/2026-03-02"], [date(2026, 3, 1)]])
def test_holidays_are_closed(holidays: list[Any]) -> None:
    """A day, several days, or a date as TOML has it; the day is that of the zone."""
    noon, next_week = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC)
    assert heard(shop(holidays=holidays), noon) == "closed"
    assert heard(shop(holidays=holidays, holiday="holiday"), noon) == "holiday"
    assert heard(shop(holidays=holidays, holiday="holiday"), next_week) == "open"
    just_before = datetime(2026, 2, 28, 21, 59, tzinfo=UTC)
    assert heard(shop("24/7", holidays=["2026-03-01"]), just_before) == "open"
    assert heard(shop("24/7", holidays=["2026-03-01"]), datetime(2026, 2, 28, 22, tzinfo=UTC)) == "closed"


def test_the_public_holidays_of_a_country_can_be_part_of_the_hours() -> None:
    """For the countries that the library knows."""
    christmas = datetime(2026, 12, 25, 10, tzinfo=UTC)
    flow = shop("Mo-Fr 08:00-17:00; PH off", zone="Europe/Paris", country="FR")
    assert heard(flow, christmas) == "closed"
    assert heard(shop("Mo-Fr 08:00-17:00", zone="Europe/Paris"), christmas) == "open"


def test_hours_can_be_settings() -> None:
    """So an operator changes them without touching Python."""
    flow = shop(Setting("hours"), zone=Setting("zone"), holidays=Setting("holidays"))
    noon = datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert heard(flow, noon, hours="Su 12:00-13:00", zone="Asia/Jerusalem", holidays=[]) == "open"
    assert heard(flow, noon, hours="Su 12:00-13:00", zone="UTC", holidays=[]) == "closed"
    with pytest.raises(HandlerError, match="the setting hours is missing"):
        heard(flow, noon, zone="UTC", holidays=[])


def test_hours_can_come_from_a_function() -> None:
    """Such as one that asks a calendar."""
    assert heard(shop(lambda caller: "24/7", zone="UTC"), datetime(2026, 3, 7, 9, tzinfo=UTC)) == "open"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shop("Su-Th 08:00-"), r"hours 'hours': 'Su-Th 08:00-' are invalid opening hours"),
        (lambda: shop(zone="Asia/Nowhere"), r"'Asia/Nowhere' is an unknown time zone"),
        (lambda: shop(holidays=["12.9.2026"]), r"'12.9.2026' is an invalid holiday; write a day like 2026-09-12"),
        (lambda: shop("PH off", country="IL"), r"the holidays of 'IL' are not supported; list them"),
    ],
)
def test_a_mistake_is_said_where_the_flow_is_written(make: Callable[[], Flow], message: str) -> None:
    """Not when the first call comes."""
    with pytest.raises(HandlerError, match=message):
        make()


def test_without_the_library_the_flow_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the hours themselves are a setting."""
    genuine = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "opening_hours":
            raise ModuleNotFoundError(name)
        return genuine(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "opening_hours", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(HandlerError, match=r"pip install 'callback-receiver\[handlers\]'"):
        shop(Setting("hours"))
