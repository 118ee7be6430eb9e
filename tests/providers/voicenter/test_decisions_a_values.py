"""Section A, second part: values, repairs, shapes and safety (decisions A-13 to A-25)."""

import json

import pytest

from receiver.providers.base.contract import Fault
from receiver.providers.voicenter import Cdr, CdrReply, Menu, SayDigits
from tests.providers.support import JSON, XML, event_in, in_json, in_xml, only, read, sent, voicenter


def _call(*members: str, method: str = "CDR") -> str:
    struct = "".join(f"<member>{member}</member>" for member in ("<name>caller</name><value>1</value>", *members))
    params = f"<params><param><value><struct>{struct}</struct></value></param></params>"
    return f"<methodCall><methodName>{method}</methodName>{params}</methodCall>"


def _typed(name: str, value: str) -> str:
    return f"<name>{name}</name><value>{value}</value>"


@pytest.mark.parametrize("tag", ["i1", "i2", "i4", "i8", "int", "ex:i8", "bigint", "double", "string"])
def test_a13_an_integer_is_read_from_every_tag(tag: str) -> None:
    """The document uses three tags; a double is read if it is a whole number."""
    text = "12.0" if tag == "double" else "12"
    assert event_in(_call(_typed("duration", f"<{tag}>{text}</{tag}>"))).duration == 12


def test_a13_integers_are_sent_as_int_only() -> None:
    """No reply needs another tag."""
    body = voicenter().write(Menu(rec="r", size=4, menu="m"), XML).body
    assert b"<int>4</int>" in body
    assert b"<i4>" not in body
    assert b"<i8>" not in body


@pytest.mark.parametrize("tag", ["int", "i4", "i8"])
@pytest.mark.parametrize("number", [15616841651, 2**63 - 1, -(2**63), 0, -1])
def test_a14_integers_may_have_64_bits_whatever_their_tag(tag: str, number: int) -> None:
    """The document's own example has 34 bits in an int."""
    assert event_in(_call(_typed("time", f"<{tag}>{number}</{tag}>"))).time == number
    assert event_in(in_json("", {"ivruniqueid": "1", "time": number})).time == number


@pytest.mark.parametrize("number", [2**63, 10**30, 10**400, -(2**63) - 1])
def test_a14_wider_integers_lose_the_field_but_not_the_record(number: int) -> None:
    """Beyond 64 bits the value stays in `raw` only."""
    event = event_in(_call(_typed("time", f"<int>{number}</int>")))
    assert event.time is None
    assert event.unread == ("time",)
    assert event.raw["time"] == str(number)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Sales ", "Sales"),
        ("\n  <string>Sales</string>\n", "Sales"),
        ("  Sales", "Sales"),
        ("<string> Sales </string>", "Sales"),
    ],
)
def test_a15_a_value_without_a_type_is_a_string(value: str, name: str) -> None:
    """Blanks around a typed element are ignored; those around the value of a known field are trimmed."""
    assert event_in(_call(_typed("queuename", value))).queue_name == name


@pytest.mark.parametrize("value", ["<string />", "<string/>", "<string></string>", ""])
def test_a16_an_empty_element_is_an_empty_string(value: str) -> None:
    """All four spellings are equivalent."""
    event = event_in(_call(_typed("did", value)))
    assert event.did == ""
    assert event.raw["did"] == ""


@pytest.mark.parametrize("tag", ["int", "i4", "i8", "double"])
def test_a16_an_empty_number_is_a_missing_value(tag: str) -> None:
    """`<int/>` is None, and not in `unread`."""
    event = event_in(_call(_typed("duration", f"<{tag}/>")))
    assert event.duration is None
    assert event.unread == ()


@pytest.mark.parametrize("value", ["12", " 12 ", "1 2", 12, 12.0, "12.0", "012"])
def test_a17_whole_numbers_are_read_from_strings_too(value: object) -> None:
    """Blanks between digits are ignored."""
    assert event_in(in_json("", {"ivruniqueid": "1", "duration": value})).duration == 12


@pytest.mark.parametrize(
    "value",
    ["abc", "12s", 1.5, {"a": 1}, [1], "1" * 50, "nan", "inf", "1e999", "1_345_373_417", "\u0661\u0662", "1_0.0"],
)
def test_a17_a_value_that_is_not_a_number_is_none_and_kept_as_sent(value: object) -> None:
    """One unreadable field never loses the record."""
    event = event_in(in_json("", {"ivruniqueid": "1", "duration": value}))
    assert event.duration is None
    assert event.unread == ("duration",)
    assert event.raw["duration"] == value


@pytest.mark.parametrize("field", ["caller", "target", "did", "targetextension", "representative_code"])
def test_a17_phones_and_codes_stay_strings(field: str) -> None:
    """Also when they come as JSON numbers."""
    event = event_in(in_json("", {"ivruniqueid": "id1", field: 9996}))
    assert "9996" in event.model_dump().values()
    assert event.unread == ()


def test_a18_blanks_around_names_and_values_are_trimmed_but_custom_data_is_verbatim() -> None:
    """Names and values of known fields are trimmed; the values of custom data are not."""
    event = event_in(in_json("CDR", {" caller ": " 054 ", "representative_code": "9996 ", "CustomData": {"a": " b "}}))
    assert (event.caller, event.representative_code, event.custom_data) == ("054", "9996", {"a": " b "})


def test_a18_replies_have_no_stray_blanks() -> None:
    """Blanks around a handler's values are removed."""
    data = sent(Menu(rec=" r ", size=1, menu="m\n"))["DATA"]
    assert (data["REC"], data["MENU"]) == ("r", "m")


@pytest.mark.parametrize(
    "body",
    [
        '{METHOD: "GET_IVR_ACTION", DATA: {MENU: "m", DTMF: ""}}',
        '{"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "m",},}',
    ],
    ids=["bare keys", "trailing commas"],
)
def test_a19_bare_keys_and_trailing_commas_are_tolerated_and_noted(body: str) -> None:
    """The document's only JSON example of that question has bare keys."""
    parsed = read(body)
    assert only(parsed).kind == "GET_IVR_ACTION"
    assert parsed.notes == ("lenient_json",)


def test_a19_replies_are_strict_json() -> None:
    """A strict parser reads our replies."""
    assert json.loads(voicenter().write(CdrReply(errdesc='quote " and \\'), JSON).body)["errdesc"] == 'quote " and \\'


def test_a20_of_a_name_given_twice_the_last_counts_and_differences_are_noted() -> None:
    """In JSON and in XML-RPC; equal values are not noted."""
    twice = '{"caller": "1", "queueid": 1, "queueid": 2, "did": "a", "did": "a"}'
    in_struct = _call(
        _typed("queueid", "<int>1</int>"), _typed("queueid", "<int>2</int>"), _typed("did", "a"), _typed("did", "a")
    )
    for body in (twice, in_struct):
        parsed = read(body, path="cdr")
        assert only(parsed).event == only(read(twice, path="cdr")).event
        assert event_in(body, path="cdr").queue_id == 2
        assert parsed.notes == ("repeated:queueid",)


def test_a21_unknown_fields_are_kept() -> None:
    """Requests grow: an undocumented field is in `extra`, under its name as sent."""
    assert event_in(in_json("", {"ivruniqueid": "1", "NewField": {"a": [1]}})).extra == {"NewField": {"a": [1]}}


def test_a21_replies_have_only_documented_fields() -> None:
    """Replies are exact."""
    assert sent(CdrReply()) == {"err": "0", "errdesc": "OK"}


@pytest.mark.parametrize("method", ["CDR", "GET_IVR_ACTION", "HANGUP_CALL", "IVR_LAYER_INPUT"])
def test_a22_every_field_is_optional(method: str) -> None:
    """A call with minimal fields is still an event."""
    fields = {"caller": "1"} if method == "CDR" else {}
    assert event_in(in_xml(method, fields)).raw == fields


@pytest.mark.parametrize(
    "params",
    [
        "<param><value>text</value></param><param><value>STRUCT</value></param>",
        "<param><value>STRUCT</value></param><param><value><struct></struct></value></param>",
        "<param><value><array><data><value>STRUCT</value></data></array></value></param>",
    ],
    ids=["second", "first of two", "array of one"],
)
def test_a23_the_first_struct_among_the_params_counts(params: str) -> None:
    """Whatever is beside or around it."""
    struct = f"<struct><member>{_typed('caller', '054')}</member></struct>"
    body = f"<methodCall><methodName>CDR</methodName><params>{params.replace('STRUCT', struct)}</params></methodCall>"
    assert event_in(body).caller == "054"


def test_a23_a_list_of_records_is_read_one_by_one() -> None:
    """An unreadable record does not affect the others."""
    parsed = read(in_json("", [{"ivruniqueid": "1"}, {"test": True}, "text", {"ivruniqueid": "2"}]))
    assert [item.fault for item in parsed.callbacks] == [None, Fault.PARSE, Fault.PARSE, None]
    assert len({item.content_hash for item in parsed.callbacks}) == 4


@pytest.mark.parametrize("body", ["", " \r\n", "\ufeff", "[]", "{}", "[[]]"])
@pytest.mark.parametrize("path", ["", "cdr"])
def test_a24_a_body_without_content_is_a_parse_error(body: str, path: str) -> None:
    """It gets an error reply and is stored."""
    item = only(read(body, path=path))
    assert item.fault is Fault.PARSE
    assert item.event is None


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<!DOCTYPE methodCall SYSTEM "file:///etc/passwd">' + _call(), "DTD"),
        (BOMB + _call(_typed("did", "&b;")), "entity"),
        (_call(_typed("did", "&#0;")), "broken"),
        (_call(_typed("did", "<array><data><value>" * 400 + "</value></data></array>" * 400)), "deep"),
        (
            _call(_typed("did", "<struct><member><name>a</name><value>" * 100 + "</value></member></struct>" * 100)),
            "deep",
        ),
        ("<x>" * 100_000, "deep"),
    ],
    ids=["dtd", "bomb", "character", "arrays", "structs", "elements"],
)
def test_a25_unsafe_xml_is_rejected(body: str, reason: str) -> None:
    """DTDs, entities and deep nesting get err 1."""
    item = only(read(body))
    assert item.fault is Fault.PARSE
    assert reason in item.reason


def test_a25_an_entity_without_a_dtd_is_text() -> None:
    """A bare "&" in a URL may look like one: nothing is expanded, and the record is not lost (A-19)."""
    parsed = read(_call(_typed("record", "https://r.example.com/?a=1&copy;b=2")))
    event = only(parsed).event
    assert isinstance(event, Cdr)
    assert event.record == "https://r.example.com/?a=1&copy;b=2"
    assert "lenient_xml" in parsed.notes


def test_a17_digits_are_sent_as_the_documents_type() -> None:
    """A string stays a string and an integer an integer, in both formats."""
    for dialect in (XML, JSON):
        data = sent(SayDigits(digits="007", size=1, menu="1"), dialect)["DATA"]
        assert (data["DIGITS"], data["SIZE"], data["MENU"]) == ("007", 1, "1")


def test_a21_bytes_in_an_undocumented_field_become_base64_in_json() -> None:
    """Whatever a sender puts into one, the event can be shown and posted."""
    event = event_in(_call(_typed("photo", "<base64>/w==</base64>")))
    assert event.extra == {"photo": b"\xff"}
    assert event.model_dump(mode="json")["extra"] == {"photo": "_w=="}
