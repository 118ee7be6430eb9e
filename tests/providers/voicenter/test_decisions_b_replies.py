"""Section B, third part: identity of a CDR and its reply (decisions B-01, B-02, B-25 to B-33)."""

import xmlrpc.client
from typing import Any

import pytest

from receiver.errors import WireError
from receiver.providers.base.contract import Fault
from receiver.providers.voicenter import CdrReply
from receiver.wire.xmlrpc import read_response
from tests.providers.support import JSON, XML, event_in, exact, in_json, in_xml, only, read, sent, voicenter

CDR = {"caller": "054", "ivruniqueid": "id1", "type": "Click2Call leg1", "time": 5, "target": "055"}


def _hash(fields: dict[str, Any]) -> bytes:
    return only(read(in_json("", fields))).content_hash


def test_b01_err_is_an_integer_in_xml_and_a_string_in_json() -> None:
    """As in the document's examples."""
    assert exact(sent(CdrReply(), XML)) == exact({"err": 0, "errdesc": "OK"})
    assert exact(sent(CdrReply(), JSON)) == exact({"err": "0", "errdesc": "OK"})


def test_b01_a_setting_makes_json_send_the_integer() -> None:
    """`json_err_as_integer` changes only JSON."""
    assert exact(sent(CdrReply(), JSON, json_err_as_integer=True)) == exact({"err": 0, "errdesc": "OK"})
    assert exact(sent(CdrReply(), XML, json_err_as_integer=True)) == exact({"err": 0, "errdesc": "OK"})


@pytest.mark.parametrize(
    ("fault", "err"), [(Fault.PARSE, 1), (Fault.APPLICATION, 2)], ids=["could not be read", "we failed"]
)
@pytest.mark.parametrize("kind", ["CDR", ""])
def test_b02_b31_err_1_is_the_senders_fault_and_err_2_is_ours(fault: Fault, err: int, kind: str) -> None:
    """1 if it could not be parsed, 2 if it could not be stored."""
    reply = voicenter().fault_reply(kind, fault, "some reason")
    assert sent(reply, XML) == {"err": err, "errdesc": "some reason"}


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Click2Call leg2"},
        {"time": 6},
        {"target": "056"},
        {"callerextension": "A"},
        {"record": "http://x/y"},
        {"new": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_b25_the_same_call_id_with_other_content_is_a_new_record(change: dict[str, Any]) -> None:
    """The legs of a call share the id: the whole content is the key."""
    assert _hash({**CDR, **change}) != _hash(CDR)


def test_b25_records_of_one_time_have_neighbouring_hashes() -> None:
    """New hashes go to one place of the index, so storing takes no longer in a large journal."""
    earlier, same_minute, later = (
        _hash({**CDR, "time": time, "duration": duration})
        for time, duration in ((1536855300, 1), (1536855359, 2), (1536855360, 3))
    )
    assert earlier[:4] == same_minute[:4]
    assert earlier != same_minute
    assert max(earlier, same_minute) < later
    assert len(later) == 16


@pytest.mark.parametrize("time", [None, "", "soon", -5, 59, 60 * 2**32, 2**63])
def test_b25_a_record_without_a_plausible_time_has_a_hash_too(time: object) -> None:
    """The hash begins with zeros; the rest distinguishes the records."""
    first, other = _hash({**CDR, "time": time}), _hash({**CDR, "time": time, "target": "056"})
    assert (first[:4], other[:4], first != other) == (bytes(4), bytes(4), True)


def test_b25_the_order_of_names_with_different_values_makes_no_new_record() -> None:
    """With two different times, neither is used for the hash."""
    twice = {"time": 1700000000, "Ti-me": 1600000000, "ivruniqueid": "054"}
    assert _hash(twice) == _hash(dict(reversed(twice.items())))
    assert _hash({**twice, "Ti-me": 1700000000})[:4] != bytes(4)


def test_b25_two_spellings_of_a_name_both_count() -> None:
    """In any order; a callback without one of them is different content."""
    twice: dict[str, Any] = {"did": "9", "DID": "1", "ivruniqueid": 5}
    assert _hash(twice) == _hash(dict(reversed(twice.items())))
    once: list[dict[str, Any]] = [{"did": did, "ivruniqueid": 5} for did in ("1", "9")]
    assert len({_hash(fields) for fields in (twice, *once)}) == 3


def test_b25_the_same_content_is_the_same_record() -> None:
    """A repeat has the same hash."""
    assert _hash(dict(reversed(CDR.items()))) == _hash(CDR)


def test_b26_nothing_is_assumed_about_order() -> None:
    """A CDR is read the same way before and after others of its call."""
    provider = voicenter()
    bodies = [
        in_json("", CDR),
        in_json("HANGUP_CALL", {"IVR_UNIQUE_ID": "id1"}),
        in_json("", {**CDR, "record": "http://x/y"}),
    ]
    first = [only(read(body)) for body in bodies]
    again = [only(read(body)) for body in reversed(bodies)]
    assert [item.event for item in first] == [item.event for item in reversed(again)]
    assert [provider.record(item.event).call_id for item in first if item.event] == ["id1"] * 3  # type: ignore[union-attr]  # each of them ends a call


@pytest.mark.parametrize("method", ["CDR", "cdr", "x.CDR", "Service.Cdr", "a.b.cdr", " CDR "])
def test_b27_the_method_may_have_a_prefix(method: str) -> None:
    """Only what follows the last dot counts, in any case."""
    assert only(read(in_xml(method, CDR))).kind == "CDR"


@pytest.mark.parametrize("reply", [CdrReply(), CdrReply(err=2, errdesc="Some error description")])
def test_b28_a_response_is_a_method_response_in_its_one_spelling(reply: CdrReply) -> None:
    """XML is case-sensitive."""
    body = voicenter().write(reply, XML).body
    assert b"<methodResponse>" in body
    assert body.endswith(b"</methodResponse>")
    assert xmlrpc.client.loads(body)[0][0] == {"err": reply.err, "errdesc": reply.errdesc}


def test_b28_responses_are_read_in_any_spelling() -> None:
    """The document's error example is in lower case."""
    text = voicenter().write(CdrReply(err=2), XML).body.decode()
    for spelt in (
        text,
        text.replace("methodResponse", "methodresponse"),
        text.replace("methodResponse", "METHODRESPONSE"),
    ):
        assert read_response(spelt).value == {"err": 2, "errdesc": "OK"}


@pytest.mark.parametrize("broken", ["</\nstring>", "</ string>", "< /string>"])
def test_b29_a_closing_tag_that_begins_with_a_blank_is_broken(broken: str) -> None:
    """The parser does not accept this damage of the printed document."""
    text = in_xml("CDR", CDR).decode().replace("</string>", broken, 1)
    assert only(read(text)).fault is Fault.PARSE
    with pytest.raises(WireError):
        read_response(voicenter().write(CdrReply(), XML).body.decode().replace("</string>", broken))


@pytest.mark.parametrize("name", ["ivruniqueid", "caller", "target", "did", "ivrunique-id", "callerPhone"])
def test_b30_a_call_id_or_one_phone_makes_a_record(name: str) -> None:
    """A record that identifies its call is stored."""
    for body in (in_json("", {name: "7"}), in_xml("CDR", {name: "7"})):
        assert only(read(body, path="cdr")).fault is None


@pytest.mark.parametrize(
    "body",
    [
        in_json("", {"duration": 5, "status": "ANSWER"}),
        in_json("", {"caller": "", "ivruniqueid": None, "target": ""}),
        in_json("CDR", {"time": 5}),
        in_xml("CDR", {}),
        in_xml("CDR", "text"),
        b"12",
        b"[1]",
        b"plain text",
        b"\x00\x01\x02",
        b"{",
        b"<html><body>404</body></html>",
    ],
)
@pytest.mark.parametrize("path", ["", "cdr"])
def test_b30_only_what_names_no_call_and_no_phone_is_a_parse_error(body: bytes, path: str) -> None:
    """It has no struct, or none of the fields that identify a call."""
    item = only(read(body, path=path))
    assert item.fault is Fault.PARSE
    assert item.reason


@pytest.mark.parametrize(
    "field", ["time", "duration", "price", "isAnswer", "CustomData", "IVR", "aiData", "queueid", "record", "caller"]
)
@pytest.mark.parametrize("value", [{"a": {"b": 1}}, [1, [2]], "odd", True, 1e300, "{", "[", None])
def test_b30_no_doubtful_value_loses_the_record(field: str, value: object) -> None:
    """Whatever a field contains, the record is read, and the value is in `raw`."""
    event = event_in(in_json("", {"ivruniqueid": "id1", field: value}))
    assert event.call_id == "id1"
    assert event.raw[field] == value


@pytest.mark.parametrize("reason", ["a\nb\tc", "שלום", "x" * 5000, "\x00\x1b", ""])
def test_b32_errdesc_is_a_short_plain_sentence(reason: str) -> None:
    """ASCII on one line, of at most 200 characters, never empty."""
    errdesc = sent(voicenter().fault_reply("CDR", Fault.PARSE, reason), XML)["errdesc"]
    assert errdesc.isascii()
    assert errdesc.isprintable()
    assert 0 < len(errdesc) <= 200


C_SHARP = [
    "caller",
    "target",
    "duration",
    "ivruniqueid",
    "time",
    "callerextension",
    "targetextension",
    "status",
    "did",
    "type",
]


@pytest.mark.parametrize("name", [*C_SHARP, "queueid", "queuename"])
def test_b33_every_name_of_the_code_sample_is_a_field(name: str) -> None:
    """The document's code sample is evidence only for names."""
    event = event_in(in_json("", {"ivruniqueid": "id1", name: "7"}))
    assert event.extra == {}
