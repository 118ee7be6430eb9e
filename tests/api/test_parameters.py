"""What is wrong is found before anything is sent; the message names the parameter and its limit, never its value."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.errors import SettingsError
from receiver.providers.base.api.errors import ParameterError
from receiver.providers.viviphone.api.values import Weekday
from receiver.providers.voicenter import Client
from tests.api.examples_others import EXAMPLES as OTHERS
from tests.api.support import options_of, request_of, sent_by

V = "voicenter"
CALL = {"phone": "0501234567", "target": "0721234567"}
BUTTON = dict(next(one for one in OTHERS if one.provider == "anveo").given)
NEW = {"number1": "2125551234", "pin": 5432}

WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    (V, "click_to_call.call", {"phone": "0501234567"}, "target is missing"),
    (V, "click_to_call.call", {**CALL, "phone": ""}, "phone: write at least 1 character"),
    (V, "click_to_call.call", {**CALL, "phone": "a b"}, "phone: write text that matches"),
    (
        V,
        "click_to_call.call",
        {**CALL, "max_duration": -1},
        "max_duration: must be a whole number of seconds, at least 1",
    ),
    (V, "click_to_call.call", {**CALL, "max_duration": timedelta(milliseconds=1500)}, "max_duration: must be a whole"),
    (V, "click_to_call.call", {**CALL, "language": "hebrew"}, "language: write text that matches"),
    (V, "click_to_call.call", {**CALL, "max_duration": "long"}, "max_duration: write a duration"),
    (V, "click_to_call.call", {**CALL, "variables": dict.fromkeys("abcdefghijk", 1)}, "variables: write at most 10"),
    (V, "click_to_call.call", {**CALL, "nothing": 1}, "there is no parameter nothing"),
    (V, "click_to_call.call", {**CALL, "phone": "logincode"}, 'phone_login_code goes with phone="logincode"'),
    (V, "click_to_call.call", {**CALL, "phone_login_code": "9876"}, 'phone_login_code goes with phone="logincode"'),
    (V, "click_to_call.message", {"phone": "050", "digits": "12a"}, "digits: write text that matches"),
    (
        V,
        "calls.search",
        {"since": datetime(2026, 1, 2, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)},
        "must not be after until",
    ),
    (
        V,
        "calls.search",
        {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": "2026-01-02T00:00"},
        "both have a time zone",
    ),
    (
        V,
        "calls.search",
        {"since": "2026-01-01T00:00", "until": "2026-01-02T00:00", "columns": ["Colour"]},
        "columns.0: write 'Date'",
    ),
    (V, "dialer.add_calls", {"calls": []}, "calls: write at least 1 of them"),
    (V, "dialer.add_calls", {"calls": [{"campaign": "c"}]}, "calls.0.target is missing"),
    (
        V,
        "dialer.add_call",
        {"campaign": "c", "target": "1", "originate_at": "2026-01-01T00:00"},
        "originate_at: must have a time zone",
    ),
    (
        V,
        "dialer.update_strategy",
        {"campaign": "c", "coefficient": -1},
        "coefficient: write 0 or more",
    ),
    (
        V,
        "users.set_status",
        {"user_id": "12345", "status": 6},
        "status: write 1, 2, 3, 4, 5, 7, 9, 11, 12 or 13",
    ),
    ("spokn", "click_to_call.call", {"aparty": "+1", "bparty": "1234567"}, "a number such as +15550100"),
    (
        "spokn",
        "click_to_call.call",
        {"aparty": "1234567", "bparty": "1234567", "max_duration": 61},
        "max_duration: must be whole minutes, 1 to 60",
    ),
    (
        "spokn",
        "click_to_call.call",
        {"aparty": "1234567", "bparty": "1234567", "token": "x" * 129},
        "token: write at most 128",
    ),
    (
        "spokn",
        "click_to_call.call",
        {"aparty": "1234567", "bparty": "1234567", "max_retries": 4},
        "max_retries: write 3 or less",
    ),
    (
        "spokn",
        "click_to_call.call",
        {"aparty": "1234567", "bparty": "1234567", "retry_time": 11},
        "retry_time: must be whole seconds, 0 to 10",
    ),
    (
        "spokn",
        "click_to_call.call",
        {"aparty": "1234567", "bparty": "1234567", "callback_url": "ftp://x"},
        "callback_url: must be an address",
    ),
    ("viviphone", "buttons.create", {"number1": "2125551234"}, "pin is missing"),
    ("viviphone", "buttons.create", {**NEW, "pin": 999}, "pin: must be a number from 1000 to 9999"),
    (
        "viviphone",
        "buttons.create",
        {**NEW, "hours_behind_utc": 13},
        "hours_behind_utc: write 12 or less",
    ),
    ("viviphone", "buttons.create", {**NEW, "language": "es"}, "language: write 'en', 'fr' or 'sp'"),
    (
        "viviphone",
        "buttons.create",
        {**NEW, "voicemail_delay": 256},
        "voicemail_delay: must be whole seconds, 0 to 255",
    ),
    ("viviphone", "buttons.create", {**NEW, "start": 1441}, "start: must be whole minutes from midnight, 0 to 1440"),
    ("viviphone", "buttons.create", {**NEW, "days": ["someday"]}, "days.0: write 'sunday'"),
    ("viviphone", "buttons.create", {**NEW, "dial1": "w" * 11}, "dial1: write at most 10 characters"),
    ("viviphone", "buttons.create", {**NEW, "country1": 1000}, "country1: write 999 or less"),
    ("viviphone", "buttons.create", {**NEW, "refer_url": "x" * 31}, "refer_url: write at most 30"),
    ("viviphone", "buttons.create", {**NEW, "text": "x" * 81}, "text: write at most 80"),
    ("viviphone", "buttons.create", {**NEW, "max_tier": 5}, "max_tier: write 4 or less"),
    (
        "viviphone",
        "destination.set",
        {"button": "1", "destination": "fax"},
        "destination: write 'ph', 'vm' or 'bl'",
    ),
    (
        "viviphone",
        "rejected_numbers.set",
        {"button": "1", "numbers": ["2125551234"] * 23},
        "numbers: must have at most 250 characters",
    ),
    ("viviphone", "history.get", {"button": "1", "days": -1}, "days: write 0 or more"),
    ("anveo", "buttons.create", {**BUTTON, "color_style": 14}, "color_style: write 13 or less"),
    ("anveo", "buttons.create", {**BUTTON, "hour_to": 25}, "hour_to: write 24 or less"),
    ("anveo", "buttons.create", {**BUTTON, "button_id": "x" * 129}, "button_id: write at most 128"),
    ("anveo", "buttons.create", {**BUTTON, "title": "x" * 33}, "title: write at most 32"),
    ("anveo", "buttons.create", {**BUTTON, "phone_number": None}, "phone_number is missing with configuration SIMPLE"),
    ("anveo", "buttons.create", {**BUTTON, "call_flow": "key"}, "call_flow is not allowed with configuration SIMPLE"),
    (
        "anveo",
        "buttons.create",
        {**BUTTON, "configuration": "CALLFLOW"},
        "call_flow is missing with configuration CALLFLOW",
    ),
]


@pytest.mark.parametrize(
    ("provider", "title", "given", "message"), WRONG, ids=[f"{one[0]}-{one[3][:40]}" for one in WRONG]
)
def test_a_wrong_parameter_is_named_with_its_limit(
    provider: str, title: str, given: dict[str, Any], message: str
) -> None:
    """Each limit of the documents."""
    with pytest.raises(ParameterError) as raised:
        request_of(provider, title, **{name: value for name, value in given.items() if value is not None})
    assert str(raised.value).startswith(f"{title}: ")
    assert message in str(raised.value)


def test_a_message_does_not_show_the_value() -> None:
    """It may be a pin, or somebody's number."""
    with pytest.raises(ParameterError) as raised:
        request_of("viviphone", "buttons.create", number1="not a number 4711", pin="4712x")
    assert not [value for value in ("4711", "4712") if value in str(raised.value)]


def test_several_wrong_parameters_are_all_named() -> None:
    """One line each."""
    with pytest.raises(ParameterError) as raised:
        request_of(V, "click_to_call.call", phone="", target="")
    assert len(str(raised.value).splitlines()) == 2


def test_durations_moments_days_and_flags_are_python_values() -> None:
    """A plain number counts in the document's unit."""
    sent = sent_by(V, "click_to_call.call", **CALL, max_duration=timedelta(minutes=2), phone_auto_answer=True)
    assert (sent["maxduration"], sent["phoneautoanswer"]) == ("120", "true")
    assert sent_by(V, "click_to_call.call", **CALL, max_duration=120)["maxduration"] == "120"
    assert (
        sent_by("viviphone", "schedule.set", button="1", days=[Weekday.SUNDAY, Weekday.SATURDAY])["schd_days"] == "65"
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert sent_by(V, "dialer.add_call", campaign="c", target="1", originate_at=moment)["OriginateTime"] == 1767225600


@pytest.mark.parametrize(
    ("provider", "options", "message"),
    [
        (V, {"code": ""}, "code: is empty"),
        (V, {"base_url": "api.example.com"}, "base_url: is no address"),
        (V, {"base_url": "https://user:pw@api.example.com"}, "base_url: is no address"),
        (V, {"time_zone": "Mars"}, "time_zone: 'Mars' is not a time zone"),
        (V, {"timeout": 0}, "timeout: write a number above 0"),
        (V, {"colour": "red"}, "colour: there is no such setting"),
        ("spokn", {"user": "a:b"}, "user: write a Spokn ID"),
        ("viviphone", {"base_url": "http://api.example.com"}, "base_url: must begin with https://"),
        ("anveo", {"base_url": None}, "base_url: is missing: Anveo's document names no address"),
    ],
)
def test_an_option_that_cannot_work_is_named(provider: str, options: dict[str, Any], message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        options_of(provider, **options)


def test_a_secret_option_that_cannot_work_is_not_shown() -> None:
    """Not even in the error's chain."""
    with pytest.raises(SettingsError) as raised:
        Client(code="half a secret\n")
    assert "half" not in f"{raised.value} {raised.value.__cause__} {raised.value.__context__!s}"
