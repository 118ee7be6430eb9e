"""The front desk by opening hours, with nothing but settings."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from handlers import opening_hours
from handlers.opening_hours import OpeningHoursSettings
from receiver.errors import HandlerError
from receiver.providers.voicenter import Call, Hangup, SilentRecord
from receiver.testing import call
from tests.flow.support import Phone
from tests.scenarios.serving import run

SETTINGS: dict[str, Any] = {
    "did": "0730000000",
    "hours": "Su-Th 08:00-17:00; Fr 08:00-12:00",
    "time_zone": "Asia/Jerusalem",
    "target": "0540000000",
}
SUNDAY_NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
SATURDAY_NOON = datetime(2026, 3, 7, 10, tzinfo=UTC)


def called(now: datetime, **settings: Any) -> Phone:
    """A caller at that moment."""
    phone = Phone(opening_hours.flow, now=now, settings={**SETTINGS, **settings})
    phone.start()
    return phone


def test_nothing_is_wrong_with_the_flow() -> None:
    """It is an example, too."""
    assert opening_hours.flow.check() == []


def test_the_front_desk_is_rung_while_it_is_open() -> None:
    """As long as the settings say, with a recording before it if there is one."""
    reply = called(SUNDAY_NOON).said[-1]
    assert isinstance(reply, Call)
    assert (reply.target, reply.max_dial, reply.max_duration, reply.caller_rec) == ("0540000000", 30, 3600, None)
    reply = called(SUNDAY_NOON, ring=20, max_duration=600, welcome_rec="welcome").said[-1]
    assert isinstance(reply, Call)
    assert (reply.max_dial, reply.max_duration, reply.caller_rec) == (20, 600, "welcome")


def test_a_caller_hears_that_it_is_closed() -> None:
    """Then the call ends, or the caller may leave a message."""
    assert called(SATURDAY_NOON).said == [Hangup(rec="we_are_closed")]
    assert called(SATURDAY_NOON, messages=True, max_message=60).said == [
        SilentRecord(rec="we_are_closed", max_duration=60)
    ]


@pytest.mark.parametrize(("settings", "rec"), [({}, "we_are_closed"), ({"holiday_rec": "shabbat"}, "shabbat")])
def test_a_holiday_is_closed_all_day(settings: dict[str, Any], rec: str) -> None:
    """With a recording of its own, if there is one."""
    assert called(SUNDAY_NOON, holidays=["2026-03-01"], **settings).said == [Hangup(rec=rec)]


def test_a_caller_hears_that_nobody_answers() -> None:
    """Or leaves a message."""
    assert called(SUNDAY_NOON).fail() == Hangup(rec="no_answer")
    assert called(SUNDAY_NOON, messages=True).fail() == SilentRecord(rec="no_answer", max_duration=120)


def test_callers_of_other_numbers_are_left_to_other_modules() -> None:
    """One number, or a list of them."""
    open_always = {**SETTINGS, "hours": "24/7"}
    assert isinstance(call(opening_hours.handlers, did="0730000000", settings=open_always).reply, Call)
    with pytest.raises(HandlerError, match="no handler answers"):
        call(opening_hours.handlers, did="0731111111", settings=open_always)
    both = {**open_always, "did": ["0730000000", "0731111111"]}
    assert isinstance(call(opening_hours.handlers, did="0731111111", settings=both).reply, Call)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hours": "Su-Th 8-17"}, "'Su-Th 8-17' are invalid opening hours; write them like Su-Th 08:00-17:00"),
        ({"time_zone": "Israel/Haifa"}, "'Israel/Haifa' is an unknown time zone"),
        ({"holidays": ["12.9.2026"]}, "'12.9.2026' is an invalid holiday; write a day like 2026-09-12"),
        ({"ring": 0}, "greater than 0"),
        ({"traget": "054"}, "Extra inputs are not permitted"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, Any], message: str) -> None:
    """Before the receiver starts, with what to write."""
    with pytest.raises(ValidationError, match=message):
        OpeningHoursSettings(**{**SETTINGS, **settings})


def test_check_names_what_is_missing_or_wrong(tmp_path: Path) -> None:
    """As a person sees it."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in SETTINGS.items() if name != "target"]
    table = "\n".join(['handlers = ["handlers.opening_hours"]', "[handler_settings.opening_hours]", *lines, ""])
    (tmp_path / "receiver.toml").write_text(table, encoding="utf-8")
    assert "handler_settings.opening_hours.target is missing" in run(tmp_path, "check", code=2).stderr
    with (tmp_path / "receiver.toml").open("a", encoding="utf-8") as file:
        file.write('target = "0540000000"\nholidays = [2026-09-12, "2026-09-21/2026-09-26"]\n')
    said = run(tmp_path, "check").stdout
    assert "handlers.opening_hours.opening_hours" in said
    assert "note: flow" not in said


def test_without_its_package_the_module_says_how_to_install_it(tmp_path: Path) -> None:
    """It is refused when it is loaded, not when the first call comes."""
    code = (
        "import sys; sys.modules['opening_hours'] = None\n"
        "from receiver.cli import app; app(['check', '--handlers', 'handlers.opening_hours'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install 'callback-receiver[handlers]'" in " ".join(done.stderr.split())
