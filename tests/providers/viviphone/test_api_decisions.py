"""Section I, ViviPhone: what its reference leaves open."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.providers.base.api.errors import ParameterError, ProviderFailureError, TransportError
from receiver.providers.base.discovery import discover
from receiver.providers.viviphone.api.values import WEEK, Weekday
from tests.api.examples_others import FAILED, resp
from tests.api.support import APIS, call_of, read, request_of, sent_by

V = "viviphone"
NEW: dict[str, Any] = {"number1": "2125551234", "pin": 5432}


def test_i31_schedules_are_sent_as_schd_and_read_in_both_spellings() -> None:
    """As in the sections, the appendix and the errors; `sched_` is in one table."""
    assert sent_by(V, "buttons.create", **NEW, schedule=True)["schd_en"] == "1"
    for name in ("schd_en", "sched_en"):
        assert read(V, "schedule.get", resp(f"<{name}>1</{name}>")).schedule is True


def test_i32_an_error_whose_attribute_has_no_quotes_is_read() -> None:
    """It is no XML; 101 is one of 1 to 200."""
    with pytest.raises(
        ProviderFailureError, match=r"error 101: Irrecoverable system error\. Please try again\."
    ) as raised:
        read(V, "destination.get", FAILED)
    assert raised.value.code == 101


def test_i33_an_id_is_sent_without_quotes() -> None:
    """The examples have two ways of quoting it."""
    assert request_of(V, "destination.get", button="743345568").url.endswith("&id=743345568")
    with pytest.raises(ParameterError, match="button: write text that matches"):
        request_of(V, "destination.get", button="'743345568'")


def test_i34_setters_have_their_own_method_and_an_id() -> None:
    """The appendix names the getter, or another method."""
    for call in APIS[V].calls:
        if call.name == "set":
            assert call.documented.endswith(".set")
            assert call.fixed == {"method": call.documented}
            assert "button" in call.parameters.model_fields
    assert call_of(V, "phones.set").documented == "c2c.phdest.set"


def test_i35_saturday_is_bit_6() -> None:
    """Seven days are 0 to 127; 62 is Monday to Friday."""
    assert sent_by(V, "schedule.set", button="1", days=list(WEEK))["schd_days"] == "127"
    assert sent_by(V, "schedule.set", button="1", days=list(WEEK[1:6]))["schd_days"] == "62"
    assert read(V, "schedule.get", resp("<schd_days>64</schd_days>")).days == [Weekday.SATURDAY]


def test_i36_limits_are_those_of_the_sections_where_the_appendix_differs() -> None:
    """Tiers 0 to 4, and 0 to 5 for access control alone; countries 1 to 999; 0 is any country to call from."""
    assert sent_by(V, "access.set", button="1", max_tier=5, from_country=0) == {
        "id": "1",
        "max_tier": "5",
        "cty": "0",
    }
    for wrong in ({"max_tier": 5}, {"country2": 1000}):
        with pytest.raises(ParameterError):
            request_of(V, "buttons.create", **NEW, **wrong)


def test_i37_what_either_place_calls_mandatory_is_mandatory() -> None:
    """The first number, the type of destination, the pin and a list of numbers."""
    needed = {
        title: {name for name, info in call_of(V, title).parameters.model_fields.items() if info.is_required()}
        for title in ("buttons.create", "phones.set", "destination.set", "rejected_numbers.set")
    }
    assert needed == {
        "buttons.create": {"number1", "pin"},
        "phones.set": {"button", "number1"},
        "destination.set": {"button", "destination"},
        "rejected_numbers.set": {"button", "numbers"},
    }


def test_i38_a_time_zone_counts_hours_west_of_utc() -> None:
    """5 is Eastern time; the parameter's name says it."""
    assert sent_by(V, "general.set", button="1", hours_behind_utc=5)["tzo"] == "5"
    assert sent_by(V, "general.set", button="1", hours_behind_utc=-12)["tzo"] == "-12"


def test_i39_spanish_is_sp() -> None:
    """Not ISO's es; a language that is not listed is read as it is."""
    assert sent_by(V, "general.set", button="1", language="sp")["lang"] == "sp"
    assert read(V, "general.get", resp("<lang>de</lang>")).language == "de"


def test_i40_a_list_ends_with_a_colon_and_is_read_without_blanks() -> None:
    """As the example has it; an empty list is empty."""
    sent = sent_by(V, "accepted_numbers.set", button="1", numbers=["8884532223", "212 555 1212"])
    assert sent["numlist"] == "8884532223:2125551212:"
    assert sent_by(V, "accepted_numbers.set", button="1", numbers=[])["numlist"] == ""
    assert read(V, "accepted_numbers.get", resp("<numlist></numlist>")).numbers == []


PHONES = (("1", "2121235050"), ("33", "2125557389"), ("1", "-1"))
SHAPES = {
    "flat": "".join(f"<cty>{country}</cty><num>{number}</num>" for country, number in PHONES),
    "wrapped": "".join(f"<dest><cty>{country}</cty><num>{number}</num></dest>" for country, number in PHONES),
    "wrapped twice": "<phones>"
    + "".join(f"<dest><cty>{country}</cty><num>{number}</num></dest>" for country, number in PHONES)
    + "</phones>",
    "numbered": "".join(
        f"<dest{place}_cty>{country}</dest{place}_cty><dest{place}_num>{number}</dest{place}_num>"
        for place, (country, number) in enumerate(PHONES, 1)
    ),
    "numbered by name": "".join(
        f"<dest{place}_cty>{phone[0]}</dest{place}_cty>" for place, phone in enumerate(PHONES, 1)
    )
    + "".join(f"<dest{place}_num>{phone[1]}</dest{place}_num>" for place, phone in enumerate(PHONES, 1)),
    "attributes": "".join(f'<dest cty="{country}" num="{number}"/>' for country, number in PHONES),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_i41_repeated_values_are_read_in_any_shape(shape: str) -> None:
    """The document does not show how three phones come."""
    phones = read(V, "phones.get", resp(SHAPES[shape])).phones
    assert [(str(phone.country), phone.number) for phone in phones] == list(PHONES)


@pytest.mark.parametrize("around", ["{}", "<hist>{}</hist>"])
@pytest.mark.parametrize("row", ["<call>{}</call>", "{}"])
def test_i41_a_history_is_read_in_any_shape(around: str, row: str) -> None:
    """And a date has no zone until one is given."""
    calls = "".join(
        row.format(f"<telnum>{number}</telnum><date>2010-01-30 17:07:11</date><dursec>1</dursec>") for number in "123"
    )
    found = read(V, "history.get", resp(around.format(calls))).calls
    assert [call.number for call in found] == ["1", "2", "3"]
    assert found[0].started_in(UTC) == datetime(2010, 1, 30, 17, 7, 11, tzinfo=UTC)


def test_i42_a_failure_without_a_code_is_a_provider_error() -> None:
    """No code is documented for a wrong key."""
    with pytest.raises(Exception, match="error") as raised:
        read(V, "destination.get", '<resp stat="fail"/>')
    assert not isinstance(raised.value, TransportError)


def test_i43_the_button_itself_is_a_page_and_no_call() -> None:
    """It is opened by browsers."""
    assert {call.url for call in APIS[V].calls} == {"https://www.viviphone.com/api/"}


def test_i44_setters_of_lists_have_no_result() -> None:
    """The document lists no output parameters."""
    assert read(V, "rejected_numbers.set", resp("")).extra == {}


def test_i45_viviphone_sends_no_callbacks() -> None:
    """It has no endpoint, so no route; its records come from the call log."""
    assert discover()[V].endpoints == ()


def test_a_voice_mail_that_never_answers_is_255_seconds() -> None:
    """As sent and as read."""
    assert sent_by(V, "voicemail.set", button="1", voicemail_delay=255)["vm_delay"] == "255"
    assert read(V, "voicemail.get", resp("<vm_delay>255</vm_delay>")).voicemail_delay == timedelta(seconds=255)
