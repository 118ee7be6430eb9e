"""Section A, first part: formats, envelopes, dispatch, replies (decisions A-01 to A-12, A-19 to A-25)."""

import json
from typing import Any

import pytest

from receiver.intake.responder import MARGIN_SECONDS
from receiver.providers.base.contract import Fault, HttpReply
from receiver.providers.voicenter import Cdr, CdrReply, Hangup
from receiver.settings import Settings
from receiver.wire import Format
from tests.providers.support import (
    JSON,
    XML,
    event_in,
    in_form,
    in_json,
    in_xml,
    only,
    parsed,
    read,
    sent,
    voicenter,
)

CDR = {"caller": "0540000000", "ivruniqueid": "id1"}
HANGUP = {"IVR_UNIQUE_ID": "id1", "CALL_STATUS": "ANSWER"}
IVR = {"IVR_UNIQUE_ID": "id1", "MENU": "main"}
LAYER = {"IVR_UNIQUE_ID": "id1", "LAYER_ID": 8}
BODIES = {Format.XMLRPC: in_xml("CDR", CDR), Format.JSON: in_json("", CDR), Format.FORM: in_form(CDR)}


def _refused(body: bytes | str, **options: Any) -> HttpReply:
    reading = read(body, **options)
    item = only(reading)
    assert item.fault is not None
    provider = voicenter(**options)
    return provider.write(provider.fault_reply(item.kind, item.fault, item.reason), reading.dialect)


@pytest.mark.parametrize(("format_", "body"), BODIES.items(), ids=str)
@pytest.mark.parametrize(
    "before", [b"", b"\xef\xbb\xbf", b"\r\n \t", b"\xef\xbb\xbf\n"], ids=["", "bom", "blanks", "both"]
)
@pytest.mark.parametrize("content_type", ["", "text/xml", "application/json", "application/x-www-form-urlencoded", "?"])
def test_a02_the_body_decides_the_format_whatever_the_header_declares(
    format_: Format, body: bytes, before: bytes, content_type: str
) -> None:
    """The first byte that is not a blank decides; a wrong header loses no record."""
    reading = read(before + body, content_type=content_type)
    assert reading.dialect is format_
    assert only(reading).event is not None


@pytest.mark.parametrize(
    ("dialect", "content_type"),
    [
        (Format.XMLRPC, "text/xml; charset=utf-8"),
        (Format.JSON, "application/json"),
        (Format.FORM, "application/json"),
        (Format.MULTIPART, "application/json"),
        (Format.QUERY, "application/json"),
    ],
)
def test_a02_a03_a_reply_has_the_type_and_the_format_of_its_request(dialect: Format, content_type: str) -> None:
    """The reply to XML-RPC is XML-RPC, to every other format JSON."""
    reply = voicenter().write(CdrReply(), dialect)
    assert reply.content_type == content_type
    assert parsed(reply)["errdesc"] == "OK"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<methodCall>", "text/xml"),
        ("{broken", "application/json"),
        ("[", "application/json"),
        ("", "application/json"),
    ],
)
def test_a03_what_cannot_be_parsed_is_answered_in_the_format_it_begins_with(body: str, content_type: str) -> None:
    """Broken XML gets XML; a body of unknown format gets JSON."""
    assert _refused(body).content_type.startswith(content_type)


@pytest.mark.parametrize(
    ("kind", "path", "fields"),
    [
        ("CDR", "cdr", CDR),
        ("GET_IVR_ACTION", "ivr", IVR),
        ("HANGUP_CALL", "hangup", HANGUP),
        ("IVR_LAYER_INPUT", "layer", LAYER),
    ],
)
def test_a04_the_kind_follows_from_the_method_or_else_from_the_url(
    kind: str, path: str, fields: dict[str, object]
) -> None:
    """All methods arrive at the common URL. At a method's own URL the name may be missing; a name takes precedence."""
    for body in (in_xml(kind, fields), in_json(kind, fields)):
        assert {only(read(body, path=each)).kind for each in ("", path, "hangup", "cdr")} == {kind}
    assert only(read(in_json("", fields), path=path)).kind == kind


@pytest.mark.parametrize(
    "fields", [{"ivruniqueid": "id1"}, {"caller": "1", "target": "2", "status": "ANSWER"}, {"IVRUniqueID": "id1"}]
)
def test_a04_an_object_without_a_method_is_a_cdr(fields: dict[str, str]) -> None:
    """The CDR alone comes without METHOD and DATA."""
    assert only(read(in_json("", fields))).kind == "CDR"


@pytest.mark.parametrize("data", [{"MENU": "m"}, [{"MENU": "m"}], '{"MENU": "m"}'], ids=["object", "list", "text"])
def test_a04_data_may_be_an_object_a_list_of_one_or_json_text(data: object) -> None:
    """The fields are read from any of these."""
    assert event_in(in_json("GET_IVR_ACTION", data)).menu == "m"


@pytest.mark.parametrize("method", ["CDR", "cdr", "Cdr"])
@pytest.mark.parametrize("name", ["caller", "CALLER", "Caller"])
def test_a05_names_are_matched_without_regard_to_case(method: str, name: str) -> None:
    """Methods, wrappers and fields are found in any case."""
    assert event_in(in_xml(method, {name: "0540000000"})).caller == "0540000000"
    body = json.dumps({"method": method, "Data": {name: "0540000000"}})
    assert event_in(body).caller == "0540000000"


def test_a05_names_are_sent_as_documented() -> None:
    """Names in replies are spelled exactly as in the document."""
    assert list(sent(CdrReply())) == ["err", "errdesc"]
    assert list(sent(Hangup(rec="bye"))) == ["STATUS", "ACTION", "LANGUAGE", "DATA"]


@pytest.mark.parametrize("fault", Fault)
def test_a06_errors_with_a_documented_body_are_http_200(fault: Fault) -> None:
    """The protocol carries its own error code."""
    provider = voicenter()
    assert provider.write(provider.fault_reply("CDR", fault, "reason"), JSON).status == 200


@pytest.mark.parametrize(
    "body", ["<methodCall>", in_xml("CDR", {}), in_xml("CDR", "text")], ids=["broken", "empty", "text"]
)
def test_a07_errors_are_a_struct_and_no_fault(body: bytes | str) -> None:
    """A fault is nowhere documented: err 1 says it."""
    assert parsed(_refused(body))["err"] == 1


def test_a07_only_an_unknown_method_gets_a_fault_and_a_setting_turns_it_off() -> None:
    """No documented shape fits an unknown method; `unknown_method` chooses err 1 instead."""
    body = in_xml("NO_SUCH_METHOD", CDR)
    assert b"<fault>" in _refused(body).body
    assert parsed(_refused(body, unknown_method="error"))["err"] == 1


def test_a07_an_unknown_method_in_json_gets_its_envelopes_error() -> None:
    """JSON has no faults: STATUS 1."""
    assert parsed(_refused(in_json("NO_SUCH_METHOD", CDR))) == {"STATUS": 1}


def test_a08_questions_know_how_long_the_provider_waits() -> None:
    """Five seconds for layers and three for the pop-up; for the rest nothing is published."""
    waits = {kind.name: kind.patience for kind in voicenter().kinds if kind.patience is not None}
    assert waits == {"IVR_LAYER_INPUT": 5.0, "POPUP": 3.0}


@pytest.mark.parametrize("time", [12, 1536855354, 15616841651, 10**18])
def test_a09_a_repeat_has_the_same_hash_whatever_its_format_case_and_order(time: int) -> None:
    """Blanks, letter case of names, order of fields and format do not make a new record."""
    same = [
        in_xml("CDR", {"ivruniqueid": "054", "time": time}),
        in_json("", {"TIME": str(time), "IVR_Unique-ID": " 054 "}),
        in_json("CDR", {"time": time, "ivrUniqueId": "054"}),
        in_form({"time": f" {time}", "ivrunique-id": "054"}),
    ]
    assert len({only(read(body)).content_hash for body in same}) == 1
    assert only(read(in_json("", {"ivruniqueid": "054", "time": 13}))).content_hash != only(read(same[0])).content_hash


HEBREW = "שירות"


@pytest.mark.parametrize(
    ("body", "content_type", "notes"),
    [
        ("xml utf-8", "", ()),
        ("xml windows", "", ()),
        ("json utf-8", "", ()),
        ("json header", "application/json; charset=windows-1255", ()),
        ("json undeclared", "application/json", ("charset:windows-1255",)),
        ("json lying", "application/json; charset=utf-8", ("charset:windows-1255",)),
        ("utf-16", "", ()),
    ],
)
def test_a11_text_is_read_in_the_declared_charset_or_in_hebrew_windows(
    body: str, content_type: str, notes: tuple[str, ...]
) -> None:
    """Declaration, BOM and header are used; bytes that do not fit are read as windows-1255, with a note."""
    fields = {"ivruniqueid": "1", "queuename": HEBREW}
    xml = f'<?xml version="1.0" encoding="CHARSET"?>{in_xml("CDR", fields).decode()[39:]}'
    text = json.dumps(fields, ensure_ascii=False)
    encoded = {
        "xml utf-8": xml.replace("CHARSET", "utf-8").encode(),
        "xml windows": xml.replace("CHARSET", "windows-1255").encode("windows-1255"),
        "json utf-8": text.encode(),
        "utf-16": text.encode("utf-16"),
    }
    reading = read(encoded.get(body, text.encode("windows-1255")), content_type=content_type)
    event = only(reading).event
    assert event is not None
    assert event.raw["queuename"] == HEBREW
    assert reading.notes == notes


def test_a11_replies_are_utf_8_and_say_so() -> None:
    """XML replies carry the declaration with its encoding."""
    reply = voicenter().write(CdrReply(errdesc=HEBREW), XML)
    assert reply.body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert HEBREW.encode() in reply.body


@pytest.mark.parametrize(
    "start",
    [
        "",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" ?>\n',
        '\r\n\n<?xml version="1.0" encoding="utf-8"?>',
        "<?xml version='1.0'?>",
    ],
)
def test_a12_every_form_of_the_xml_declaration_is_accepted(start: str) -> None:
    """Also a missing one, and one after blank lines, which is strictly an error."""
    call = in_xml("CDR", CDR).decode()[39:]
    assert event_in(start + call).caller == "0540000000"


def test_a08_a_handler_has_three_of_the_providers_five_seconds() -> None:
    """The default deadline leaves time for the reply to travel back."""
    assert Settings().deadline == 3.0
    assert min(kind.patience for kind in voicenter().kinds if kind.patience) - MARGIN_SECONDS == 2.5


def test_a09_spellings_of_a_name_make_no_second_record() -> None:
    """Blanks, hyphens and underscores in names are ignored (B-04, B-05), but not inside custom data."""
    one = {"ivruniqueid": "1", "OriginalIvrUniqueID": "2", "CustomData": {"a_b": "1"}}
    other = {"ivrunique-id": "1", "Original_ivrUniqueID ": "2", "custom_data": {"a_b": "1"}}
    hashes = {only(read(in_json("CDR", fields))).content_hash for fields in (one, other)}
    assert len(hashes) == 1
    assert only(read(in_json("CDR", {**one, "CustomData": {"ab": "1"}}))).content_hash not in hashes


BROKEN_BUT_CLEAR = {
    "a line break in a string": ('{"ivruniqueid": "1", "record": "http://h/a-\nb.mp3"}', "lenient_json"),
    "a missing comma": ('{"ivruniqueid": "1"\n "caller": "054"}', "lenient_json"),
    "a missing comma before a bare key": ('{METHOD: "CDR"\n DATA: {ivruniqueid: "1" caller: "054"}}', "lenient_json"),
    "NaN": ('{"ivruniqueid": "1", "price": NaN}', "lenient_json"),
    "NUL after a form": ("ivruniqueid=1&caller=054\0", "trailing_nul"),
    "NUL after JSON": ('{"ivruniqueid": "1"}\0', "trailing_nul"),
    "a bare ampersand": (
        in_xml("CDR", {"ivruniqueid": "1", "record": "R+D"}).decode().replace("+", "&"),
        "lenient_xml",
    ),
}


@pytest.mark.parametrize(("body", "note"), BROKEN_BUT_CLEAR.values(), ids=BROKEN_BUT_CLEAR)
def test_a19_what_is_broken_but_clear_is_repaired_with_a_note(body: str, note: str) -> None:
    """One bounded pass repairs it; the stored bytes are unchanged."""
    parsed_request = read(body)
    event = only(parsed_request).event
    assert isinstance(event, Cdr)
    assert event.call_id == "1"
    assert note in parsed_request.notes
