"""Section B, second part: the values of a CDR (decisions B-17 to B-24, B-35 to B-40)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver.errors import SettingsError
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.wire import Format
from tests.providers.support import cdr, cdr_record, event_in, in_form, in_json, in_xml, read, voicenter


@pytest.mark.parametrize(
    ("target", "options", "international"),
    [
        ("0722776772", {}, "972722776772"),
        ("972722776772", {}, "972722776772"),
        ("00441632960000", {}, "441632960000"),
        ("+441632960000", {}, "441632960000"),
        ("0722776772", {"country_code": "44"}, "44722776772"),
        ("0722776772", {"country_code": ""}, None),
        ("AAPINFzL", {}, None),
        ("", {}, None),
        ("\u0660\u0665", {}, None),
    ],
)
def test_b17_a_number_is_kept_as_sent_and_its_international_form_is_derived(
    target: str, options: dict[str, object], international: str | None
) -> None:
    """Only numbers of digits have one; extension codes do not."""
    record = cdr_record({"target": target}, **options)
    assert record.to_number == target
    assert record.to_international == international


@pytest.mark.parametrize(
    ("type_", "customer"), [("Extension Outgoing", "0540000000"), ("Incoming Call", "0722776772"), ("CC", "")]
)
def test_b18_the_caller_is_not_the_customer_on_outgoing_calls(type_: str, customer: str) -> None:
    """On outgoing calls `caller` is the number shown to the other side."""
    record = cdr_record({"type": type_, "caller": "0722776772", "target": "0540000000"})
    assert record.customer == customer
    assert record.from_number == "0722776772"


def test_b19_time_is_kept_and_read_as_utc_unless_a_setting_names_a_zone() -> None:
    """The integer is unchanged; `time_zone` is the zone whose wall clock it shows."""
    plain, local = cdr({"time": 1536855354}), cdr({"time": 1536855354}, time_zone="Asia/Jerusalem")
    assert plain.time == local.time == 1536855354
    assert plain.started == datetime(2018, 9, 13, 16, 15, 54, tzinfo=UTC)
    assert local.started == datetime(2018, 9, 13, 16, 15, 54, tzinfo=ZoneInfo("Asia/Jerusalem"))
    assert local.started is not None
    assert local.started.astimezone(UTC).hour == 13


@pytest.mark.parametrize("zone", ["Asia/Nowhere", "", "../etc/passwd", "\0"])
def test_b19_a_zone_that_does_not_exist_is_rejected(zone: str) -> None:
    """A wrong setting stops the start."""
    with pytest.raises(ValueError, match="time_zone"):
        VoicenterOptions(time_zone=zone)


def test_b20_durations_are_independent() -> None:
    """Their sum is not checked; the newer field is preferred, because the old one may include the wait."""
    record = cdr_record({"duration": 100, "dialtime": 500, "seconds_waiting_in_queue": 900})
    assert (record.talk_seconds, record.ring_seconds) == (100, 500)
    assert cdr_record({"duration": 100, "actualCallDuration": 20}).talk_seconds == 20


@pytest.mark.parametrize("value", [0, "0", "", " ", None])
def test_b21_no_queue_has_several_forms(value: object) -> None:
    """0, blank, null and absent all mean no queue."""
    assert cdr({"queueid": value}).queue_id is None
    assert cdr({}).queue_id is None
    assert cdr({"queueid": "12345"}).queue_id == 12345


@pytest.mark.parametrize(
    ("sent", "price", "amount"), [(7, "7", "0.07"), ("7.5", "7.5", "0.075"), (0.0, "0.0", "0.0"), (-3, "-3", "-0.03")]
)
def test_b22_a_price_is_an_exact_number_of_agorot(sent: object, price: str, amount: str) -> None:
    """Fractions and negative values are accepted; the call record is in shekels."""
    assert cdr({"price": sent}).price == Decimal(price)
    cost = cdr_record({"price": sent}).cost
    assert cost is not None
    assert (cost.amount, cost.currency) == (Decimal(amount), "ILS")


@pytest.mark.parametrize("write", [in_xml, in_json], ids=["xml", "json"])
def test_b23_fields_documented_for_json_only_are_read_in_xml_too(write: Any) -> None:
    """The fields do not depend on the format."""
    event = event_in(write("CDR", {"caller": "1", "seconds_waiting_in_queue": 5, "OriginalIvrUniqueID": "o"}))
    assert (event.seconds_waiting_in_queue, event.original_ivr_unique_id) == (5, "o")


@pytest.mark.parametrize(
    ("sent", "url"),
    [
        ("http://host/a-\r\nb.mp3", "http://host/a-b.mp3"),
        ("http://host/a\t-c.mp3 ", "http://host/a-c.mp3"),
        ("http://starkey-centrex-recordings.s3.amazonaws.", "http://starkey-centrex-recordings.s3.amazonaws."),
        ("", ""),
    ],
)
def test_b24_line_breaks_in_a_link_are_removed_and_nothing_else(sent: str, url: str) -> None:
    """Hyphens are kept, hosts are not checked, and empty means not recorded."""
    assert cdr_record({"record": sent}).recording == url


@pytest.mark.parametrize("name", ["CustomData", "CUSTOM_DATA", "customdata"])
@pytest.mark.parametrize("value", [{"a": "1"}, [{"a": "1"}], [["a", "1"]], '{"a": "1"}', {"a": 1}])
def test_b36_custom_variables_are_read_in_every_shape(name: str, value: object) -> None:
    """An object, a list of objects, a list of pairs and JSON text give the same mapping."""
    assert cdr({name: value}).custom_data == {"a": "1"}


def test_b36_top_level_variables_are_custom_data_too() -> None:
    """`var_*` fields become part of the mapping, under their names as sent."""
    assert cdr({"var_source": "site", "CustomData": {"a": "1"}}).custom_data == {"a": "1", "var_source": "site"}


def test_b35_b37_b38_optional_texts_are_free() -> None:
    """Countries may be Hebrew, `did` and `queuename` may be empty or missing."""
    event = cdr({"target_country": "ישראל", "did": "", "queuename": None})
    assert (event.target_country, event.did, event.queue_name) == ("ישראל", "", "")


def test_b40_json_xml_and_forms_arrive_at_one_url() -> None:
    """The document does not say how a customer chooses the format: every URL reads all of them."""
    fields = {"caller": "054", "ivruniqueid": "id1"}
    dialects = [
        read(body, path="cdr").dialect for body in (in_json("", fields), in_xml("CDR", fields), in_form(fields))
    ]
    assert dialects == [Format.JSON, Format.XMLRPC, Format.FORM]


def test_settings_name_the_setting_that_is_wrong() -> None:
    """An invalid fallback stops the start (A-08)."""
    with pytest.raises(SettingsError, match=r"providers\.voicenter\.fallbacks"):
        voicenter(fallbacks=[{"kind": "GET_IVR_ACTION", "action": "DANCE"}])
