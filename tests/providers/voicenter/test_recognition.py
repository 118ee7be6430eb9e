"""Recognition of callbacks that name no method (A-04)."""

from typing import Any

import pytest

from receiver.providers.base.contract import Fault
from receiver.providers.voicenter import Cdr, HangupCall, IvrRequest, LayerInput, PopupRequest
from receiver.providers.voicenter.recognition import guess_kind
from tests.providers.support import in_form, in_json, in_xml, only, read

IVR = {"DID": "072", "CALLER_ID": "054", "MENU": "-1", "PREVIOUS_MENU": "-1", "DTMF": "", "IVR_UNIQUE_ID": "c"}
LAYER = {"DID": "072", "CALLER_ID": "054", "IVR_UNIQUE_ID": "c", "DTMF": "1", "LAYER_ID": "8"}
HANGUP = {"DID": "072", "IVR_UNIQUE_ID": "c", "CALL_STATUS": "ANSWERED", "TARGET": "054", "CALL_DURATION": "7"}
POPUP = {"phone": "054", "ivrid": "c", "did": "072", "status": "Ringing"}
CDR = {"caller": "054", "target": "072", "status": "ANSWER", "ivruniqueid": "c", "duration": "7"}
BY_EVENT: dict[type, dict[str, Any]] = {
    IvrRequest: IVR,
    LayerInput: LAYER,
    HangupCall: HANGUP,
    PopupRequest: POPUP,
    Cdr: CDR,
}
OWN_PATH: dict[type, str] = {IvrRequest: "ivr", LayerInput: "layer", HangupCall: "hangup", PopupRequest: "popup"}
CDR_ONLY = ("CALLER", "DURATION", "dialtime", "TYPE", "time")
NOT_IN_A_CDR = ("MENU", "PREVIOUS_MENU", "LAYER_ID", "CALL_STATUS", "CALL_DURATION", "phone")
PATHS = {"": None, "cdr": Cdr, "ivr": IvrRequest, "hangup": HangupCall, "layer": LayerInput, "popup": PopupRequest}


@pytest.mark.parametrize(("event", "fields"), BY_EVENT.items(), ids=lambda item: getattr(item, "__name__", ""))
@pytest.mark.parametrize("write", [lambda fields: in_json("", fields), in_form], ids=["json", "form"])
@pytest.mark.parametrize("path", PATHS)
def test_a04_fields_tell_the_kind_at_every_url(event: type, fields: dict[str, Any], write: Any, path: str) -> None:
    """At the common URL, and with a note at the URL of another kind."""
    parsed = read(write(fields), path=path)
    assert type(only(parsed).event) is event
    is_elsewhere = PATHS[path] not in {None, event}
    assert any(note.startswith("kind_not_of_url:") for note in parsed.notes) == is_elsewhere


@pytest.mark.parametrize("field", CDR_ONLY)
@pytest.mark.parametrize("event", [IvrRequest, LayerInput, HangupCall, PopupRequest])
@pytest.mark.parametrize("write", [lambda fields: in_json("", fields), in_form], ids=["json", "form"])
def test_a21_a_callback_may_grow_a_field_of_a_cdr(event: type, field: str, write: Any) -> None:
    """It stays what it is, at its own URL and at that of all callbacks: a caller may be waiting for the reply."""
    body = write({**BY_EVENT[event], field: "3"})
    for path in (OWN_PATH[event], ""):
        parsed = read(body, path=path)
        assert type(only(parsed).event) is event
        assert parsed.notes == ()


@pytest.mark.parametrize("field", NOT_IN_A_CDR)
def test_a21_a_cdr_may_grow_a_field_of_another_callback(field: str) -> None:
    """It stays a CDR, at its own URL and at that of all callbacks."""
    for path in ("cdr", ""):
        parsed = read(in_json("", {**CDR, field: "3"}), path=path)
        assert isinstance(only(parsed).event, Cdr)
        assert parsed.notes == ()


@pytest.mark.parametrize(
    ("path", "fields", "event"),
    [
        ("ivr", {"IVR_UNIQUE_ID": "c", "DTMF": "1", "TIME": "3"}, IvrRequest),
        ("ivr", {**IVR, "TIME": "3", "TYPE": "x", "DURATION": "7"}, IvrRequest),
        ("layer", {"IVR_UNIQUE_ID": "c", "DTMF": "1", "TIME": "3"}, LayerInput),
        ("hangup", {"IVR_UNIQUE_ID": "c", "DID": "072", "TYPE": "x"}, HangupCall),
        ("hangup", {**HANGUP, "CALLER": "054", "STATUS": "ANSWER"}, HangupCall),
        ("", {**HANGUP, "CALLER": "054", "STATUS": "ANSWER"}, HangupCall),
        ("cdr", {"ivruniqueid": "c", "price": 7, "phone": "054"}, Cdr),
        ("hangup", {"ivruniqueid": "c", "time": "3", "duration": "7"}, Cdr),
    ],
)
def test_the_url_counts_unless_no_field_is_that_of_its_kind(path: str, fields: dict[str, Any], event: type) -> None:
    """One plain name of a CDR is no sign of one; several are, beside nothing that the URL's kind alone has."""
    assert type(only(read(in_json("", fields), path=path)).event) is event


def test_a_named_method_counts_for_more_than_the_url() -> None:
    """A CDR at the URL of hang-ups is a CDR, with a note."""
    parsed = read(in_xml("CDR", CDR), path="hangup")
    assert isinstance(only(parsed).event, Cdr)
    assert parsed.notes == ("kind_not_of_url:CDR",)


@pytest.mark.parametrize(
    ("path", "fields", "event"),
    [
        ("hangup", {"IVR_UNIQUE_ID": "c", "DID": "072"}, HangupCall),
        ("ivr", {"IVR_UNIQUE_ID": "c", "DTMF": "1"}, IvrRequest),
        ("layer", {"IVR_UNIQUE_ID": "c", "DTMF": "1"}, LayerInput),
        ("popup", {"phone": "1", "ivruniqueid": "c"}, PopupRequest),
        ("cdr", {"ivruniqueid": "c", "did": "072"}, Cdr),
        ("cdr", {"callerPhone": "054"}, Cdr),
    ],
)
def test_the_url_counts_where_the_fields_could_be_several_kinds(path: str, fields: dict[str, Any], event: type) -> None:
    """A call id alone does not indicate another kind."""
    parsed = read(in_json("", fields), path=path)
    assert type(only(parsed).event) is event
    assert parsed.notes == ()


@pytest.mark.parametrize("fields", [CDR, {"ivruniqueid": "c"}, {"caller": "1", "target": "2", "status": "BUSY"}])
def test_a04_what_has_a_cdrs_keys_is_a_cdr(fields: dict[str, Any]) -> None:
    """A call id; or caller, target and status."""
    assert isinstance(only(read(in_json("", fields))).event, Cdr)


@pytest.mark.parametrize(
    "fields",
    [
        {"test": True},
        {"caller": "1", "target": "2"},
        {"target": "2", "status": "BUSY"},
        {"caller": "1", "status": "BUSY"},
        {"did": "072"},
        {"duration": 5, "status": "ANSWER"},
        {"DTMF": "1"},
        {},
    ],
)
def test_a04_what_has_no_kinds_keys_is_no_callback(fields: dict[str, Any]) -> None:
    """It is not stored as a CDR but as a parse error, with its reason."""
    item = only(read(in_json("", fields)))
    assert (item.fault, item.kind) == (Fault.PARSE, "")
    assert "names no method" in item.reason


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (in_xml("CDR", CDR)[:-40], "CDR"),
        (b'<?xml version="1.0"?><methodCall><methodName>cdr</methodName><params><param>', "CDR"),
        (in_xml("GET_IVR_ACTION", IVR)[:-40], "GET_IVR_ACTION"),
        (in_json("", CDR)[:-1], "CDR"),
        (in_json("", IVR)[:-1], "GET_IVR_ACTION"),
        (in_json("IVR_MENU", IVR)[:-2], "GET_IVR_ACTION"),
        (in_json("", LAYER)[:-1], "IVR_LAYER_INPUT"),
        (in_json("", HANGUP)[:-1], "HANGUP_CALL"),
        (in_json("", POPUP)[:-1], "POPUP"),
        (in_xml("CDR", CDR).decode().encode("utf-16")[:-41], "CDR"),
        (b"<html>", ""),
        (b"{", ""),
        (bytes(range(256)), ""),
    ],
)
def test_a_broken_body_is_filed_as_what_it_most_likely_is(body: bytes, kind: str) -> None:
    """In XML and in JSON, by its method or its fields."""
    assert guess_kind(body) == kind
    item = only(read(body))
    assert (item.fault, item.kind) == (Fault.PARSE, kind)
