"""Section G: Spokn's status posts."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from receiver.providers.base.contract import Fault, ParsedCallback
from receiver.providers.base.record import CallRecord, Outcome
from receiver.providers.spokn import Spokn, StatusCode, StatusPost
from receiver.providers.spokn.options import SpoknOptions
from receiver.wire import Format
from tests.providers.support import in_form, only, request

SPOKN = Spokn(SpoknOptions())
POST = {"userid": "1234567", "aparty": "+18474255380", "bparty": "7654321", "leg": "1", "token": "t1", "status": "0"}


def _multipart(fields: dict[str, str]) -> str:
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    return "".join(parts) + "--b--\r\n"


def _item(body: bytes | str, query: str = "", content_type: str = "") -> ParsedCallback:
    return only(SPOKN.read(request(SPOKN, body, query=query, content_type=content_type)))


def _post(body: bytes | str = b"", **fields: Any) -> StatusPost:
    event = _item(body or json.dumps({"userid": "u", **fields})).event
    assert isinstance(event, StatusPost)
    return event


def _record(**fields: Any) -> CallRecord:
    record = SPOKN.record(_post(**fields))
    assert record is not None
    return record


def test_g01_form_multipart_json_and_query_are_equivalent() -> None:
    """The body format is not documented: all are read, and have the same hash."""
    form = in_form(POST)
    items = {
        Format.FORM: _item(form),
        Format.MULTIPART: _item(_multipart(POST), content_type="multipart/form-data; boundary=b"),
        Format.JSON: _item(json.dumps(POST)),
        Format.QUERY: _item("", query=form.decode()),
    }
    assert len({item.content_hash for item in items.values()}) == 1
    assert len({repr(item.event) for item in items.values()}) == 1


@pytest.mark.parametrize("content_type", ["", "multipart/form-data", "application/json"])
def test_g01_the_first_line_of_a_multipart_form_has_its_boundary(content_type: str) -> None:
    """It is used if the header has none (A-02)."""
    assert _item(_multipart(POST), content_type=content_type).event == _item(json.dumps(POST)).event


@pytest.mark.parametrize("body", ["", " \r\n", "{}", "other=1"])
def test_g01_the_first_source_with_a_known_field_counts(body: str) -> None:
    """The query is used if the body has no known field; otherwise the body is."""
    assert _item(body, query="userid=q").event == _item("", query="userid=q").event
    assert _post(in_form({"userid": "b"})).userid == "b"
    assert _item(in_form({"userid": "b"}), query="userid=q&token=q").event == _item(in_form({"userid": "b"})).event


@pytest.mark.parametrize("dialect", Format)
def test_g02_the_reply_is_ok_in_plain_text(dialect: Format) -> None:
    """In reply to every format."""
    reply = SPOKN.write(SPOKN.acknowledgement("STATUS"), dialect)
    assert (reply.status, reply.content_type, reply.body) == (200, "text/plain; charset=utf-8", b"OK")


def test_g03_each_post_is_a_report_of_its_own() -> None:
    """Any leg, any number of posts, in any order; the token links them."""
    legs = [
        _item(in_form({**POST, "leg": leg, "start": start}))
        for leg, start in product("12", ("2012-08-20", "2012-08-21"))
    ]
    assert len({item.content_hash for item in legs}) == 4
    assert {item.event.call_id for item in legs if item.event} == {"t1"}


def test_g07_a_repeat_is_detected_on_every_machine_whatever_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash begins with the minute of the start, which is UTC if no zone was sent."""
    seen = set()
    for zone in ("UTC", "Asia/Kolkata"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        seen.add(_item(in_form({**POST, "start": "2012-08-20 10:15:30"})).content_hash)
    monkeypatch.undo()
    time.tzset()
    [content_hash] = seen
    assert int.from_bytes(content_hash[:4]) == datetime(2012, 8, 20, 10, 15, tzinfo=UTC).timestamp() // 60


@pytest.mark.parametrize("change", ["userid", "aparty", "bparty", "leg", "start", "token"])
def test_g04_a_post_is_identified_by_user_parties_leg_start_and_token(change: str) -> None:
    """Spokn sends no call id: without a token the hash of these fields is the call id."""
    base = {**POST, "start": "2012-08-20T10:15:30Z"}
    other = {**base, change: {"leg": "2", "start": "2013-08-20T10:15:30Z"}.get(change, "x")}
    assert _post(in_form(base)).post_key != _post(in_form(other)).post_key
    assert _post(in_form(base)).post_key == _post(in_form({**base, "cost": "7"})).post_key
    without = _post(in_form({**base, "token": ""}))
    assert without.call_id == without.post_key


@pytest.mark.parametrize("party", ["aparty", "bparty"])
@pytest.mark.parametrize(
    ("sent", "number"),
    [("+18474255380", "+18474255380"), ("%2B1847", "+1847"), ("1234567", "1234567"), ("++1", "+1"), ("+x", "x")],
)
def test_g05_a_plus_that_a_form_decoded_to_a_blank_is_restored(party: str, sent: str, number: str) -> None:
    """Only before digits; the value as decoded stays in `raw`."""
    event = _post(f"userid=1&{party}={sent}")
    assert getattr(event, party) == number
    assert event.raw[party] == sent.replace("+", " ").replace("%2B", "+")


def test_g06_a_duration_is_seconds() -> None:
    """The request's own duration is in minutes: the field's name has the unit."""
    assert _post(duration="95").duration_seconds == 95
    assert _record(duration=95).talk_seconds == 95


NOON = datetime(2012, 8, 20, 12, 0)  # noqa: DTZ001 - sent without a zone
INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("sent", "start"),
    [
        ("2012-08-20T12:00:00Z", NOON.replace(tzinfo=UTC)),
        ("2012-08-20T12:00:00+05:30", NOON.replace(tzinfo=INDIA)),
        ("2012-08-20T12:00:00 05:30", NOON.replace(tzinfo=INDIA)),
        ("2012-08-20 12:00:00 0530", NOON.replace(tzinfo=INDIA)),
        ("20120820T120000Z", NOON.replace(tzinfo=UTC)),
        ("2012-08-20T12:00:00.250Z", NOON.replace(tzinfo=UTC, microsecond=250_000)),
        ("2012-08-20T12:00:00", NOON),
        ("2012-08-20 12:00", NOON),
        (" 2012-08-20T12:00:00 ", NOON),
        ("", None),
        ("yesterday", None),
        ("2012-13-45T99:00", None),
    ],
)
def test_g07_a_start_is_read_leniently(sent: str, start: datetime | None) -> None:
    """With or without zone, fraction, T and separators; what cannot be read is None and kept as sent."""
    event = _post(start=sent)
    assert event.start == start
    assert (event.start is None) or event.start.tzinfo == (start.tzinfo if start else None)
    assert event.unread == (() if start or not sent else ("start",))
    assert event.raw["start"] == sent


def test_g07_a_start_without_a_zone_is_taken_as_utc_and_flagged() -> None:
    """The call record always has a zone."""
    naive, aware = _post(start="2012-08-20 12:00"), _post(start="2012-08-20T12:00:00+05:30")
    assert naive.started == NOON.replace(tzinfo=UTC)
    assert (naive.zone_assumed, aware.zone_assumed, _post().zone_assumed) == (True, False, False)
    assert _record(start="2012-08-20 12:00").started == naive.started


@pytest.mark.parametrize(
    ("sent", "status", "outcome"),
    [
        ("0", 0, Outcome.ANSWERED),
        (1, 1, Outcome.BUSY),
        ("2", 2, Outcome.NO_ANSWER),
        ("3", 3, Outcome.FAILED),
        ("4", 4, Outcome.CANCELLED),
        ("5", 5, Outcome.INVALID_NUMBER),
        ("6", 6, Outcome.FAILED),
        ("7", 7, Outcome.NOT_DIALED),
        ("No answer", 2, Outcome.NO_ANSWER),
        ("call already  in progress", 7, Outcome.NOT_DIALED),
        ("1 - Number busy", 1, Outcome.BUSY),
        ("0 - Success", 0, Outcome.ANSWERED),
        (" 7 \N{EN DASH} Call already in progress ", 7, Outcome.NOT_DIALED),
        ("9: something new", 9, Outcome.UNKNOWN),
        ("1-2", None, Outcome.UNKNOWN),
        ("8", 8, Outcome.UNKNOWN),
        (-1, -1, Outcome.UNKNOWN),
        ("Whatever", None, Outcome.UNKNOWN),
        ("", None, Outcome.UNKNOWN),
    ],
)
def test_g08_g11_a_status_is_an_open_code_or_its_text(sent: object, status: int | None, outcome: Outcome) -> None:
    """An unknown status is kept."""
    assert _post(status=sent).status == status
    assert _post(status=sent).raw["status"] == sent
    assert _record(status=sent).outcome is outcome


def test_g08_the_codes_are_the_tables() -> None:
    """0 to 7."""
    assert [code.value for code in StatusCode] == list(range(8))


@pytest.mark.parametrize(
    ("sent", "amount"), [("1.5", "1.5"), (3, "3"), (2.25, "2.25"), ("0", "0"), ("", None), (None, None), ("much", None)]
)
def test_g09_rate_and_cost_are_exact_cents(sent: object, amount: str | None) -> None:
    """Integer or decimal; the record counts dollars."""
    event = _post(rate=sent, cost=sent)
    assert event.rate == event.cost == (None if amount is None else Decimal(amount))
    cost = _record(cost=sent).cost
    assert (cost and (cost.amount, cost.currency)) == (None if amount is None else (Decimal(amount) / 100, "USD"))


@pytest.mark.parametrize(("sent", "leg"), [("1", 1), (2, 2), ("3", None), ("0", None), ("a", None), ("", None)])
def test_g10_a_leg_is_1_or_2(sent: object, leg: int | None) -> None:
    """Any other leg is only in `raw`."""
    assert _post(leg=sent).leg == leg
    assert _post(leg=sent).raw["leg"] == sent


def test_g12_the_path_is_the_customers_so_that_a_secret_fits_in() -> None:
    """With or without slashes."""
    assert Spokn(SpoknOptions(path="calls/s3cret/")).path == "/calls/s3cret"
    assert SPOKN.path == "/spokn"


def test_g14_parties_and_users_are_text() -> None:
    """A Spokn ID consists of digits without a plus, and is not a phone number."""
    assert _post(userid=1234567).userid == "1234567"
    assert _record(aparty="1234567").from_international is None
    assert _record(aparty="+18474255380").from_international == "18474255380"


@pytest.mark.parametrize(
    ("encoded", "token"), [("שלום".encode(), "שלום"), ("é".encode("latin-1"), "é"), (b"\xf9\xec\xe5\xed", "ùìåí")]
)
def test_g18_text_is_utf_8_or_else_latin_1(encoded: bytes, token: str) -> None:
    """In a form and in JSON; Hebrew Windows is only for Voicenter."""
    assert _post(b"userid=1&token=" + quote(encoded).encode()).token == token
    assert _post(b'{"userid": "1", "token": "' + encoded + b'"}').token == token


@pytest.mark.parametrize("body", ["", "{}", "[]", "x=1", '{"test": true}', "leg=1", "<a/>", "{", '{"userid": ""}'])
def test_a_post_without_an_identifying_field_is_rejected(body: str) -> None:
    """It needs a user, a party, a token or a status; the reply has the reason (G-02)."""
    item = _item(body)
    assert item.fault is Fault.PARSE
    assert SPOKN.write(SPOKN.fault_reply("STATUS", Fault.PARSE, item.reason), Format.JSON).body.startswith(b"ERROR: ")
