"""The simulated side of Voicenter against its document: requests as printed, and each reply example followed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.errors import SimulationError
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.samples import find_samples
from receiver.providers.base.simulation import (
    Callee,
    CalleeOutcome,
    CallSetup,
    CallState,
    OutgoingRequest,
    SimulatedCall,
    Sound,
)
from receiver.providers.voicenter.events import CdrType
from receiver.providers.voicenter.simulation import IvrCall, LayerCall, PopupCall, RecordedCall
from receiver.providers.voicenter.simulation.requests import request_of
from receiver.wire import Format
from receiver.wire.xmlrpc import write_response
from tests.providers.support import voicenter

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
OK = HttpReply(b'{"STATUS": 0, "err": "0", "errdesc": "OK"}', "application/json")

# The reply examples of the document, chapter 5.1 (C-12, C-14: SAYDIGITS as its table has it).
MENU = {"REC": "record", "LOOP": 4, "DELAY": 3, "SIZE": 2, "MENU": "menu", "VALIDATION": 0}
CALL = {
    "TARGET": "0540123456",
    "CALLERID": "0500000000",
    "CALLERNAME": "",
    "CALLER_REC": "rec",
    "MOH_CLASS": "musiconhold",
    "TARGET_REC": "",
    "CALL_MAX_DIAL": "25",
    "CALL_MAX": "3200",
    "NEXT_MENU": "16",
    "NEXT_MENU_RECORD": "rec",
    "NEXT_MENU_LOOP": 1,
    "NEXT_MENU_SIZE": 2,
    "NEXT_MENU_WAIT": 1,
    "REC_STATUS": "0",
    "DTMF_PLAY": "16",
    "DIALSTRINGS": ["SIP/972547000000@provider1", "SIP/972547000000@provider2"],
}
SAYDIGITS = {**MENU, "SAYDIGITSRECORD": "blank", "DIGITS": "154654"}
HANGUP = {"HANGUP_REC": "blank", "HANGUP_CAUSE": 16}


def setup(format_: Format | None = Format.JSON, **rest: Any) -> CallSetup:
    """A call at noon."""
    return CallSetup(format=format_, call_id="call-1", now=lambda: NOON, **rest)


def action(name: str, data: object, **rest: Any) -> HttpReply:
    """A JSON reply to GET_IVR_ACTION."""
    values = {"STATUS": 0, "ACTION": name, "LANGUAGE": "HE", "DATA": data, **rest}
    return HttpReply(json.dumps(values).encode(), "application/json")


def asked(call: SimulatedCall) -> dict[str, Any]:
    """The fields of the next request, which must be a question in JSON."""
    request = call.next_request()
    assert request is not None
    assert request.asks
    content: dict[str, Any] = json.loads(request.body)
    call_id = content["DATA"].pop("IVR_UNIQUE_ID")
    assert call_id == call.call_id
    return dict(content["DATA"])


def answered(call: SimulatedCall, reply: HttpReply | None) -> None:
    """Take the question that is out, and reply to it."""
    request = call.next_request()
    assert request is not None
    call.receive(request, reply)


def reported(call: SimulatedCall) -> list[tuple[str, dict[str, Any]]]:
    """The kinds and fields of what is reported at the end, each acknowledged."""
    found = []
    while (request := call.next_request()) is not None:
        assert not request.asks
        values = json.loads(request.body)
        found.append((request.kind, values.get("DATA", values)))
        call.receive(request, OK)
    assert call.has_ended
    return found


def started(reply: HttpReply | None, format_: Format = Format.JSON, **rest: Any) -> IvrCall:
    """An IVR call whose first question got this reply."""
    call = IvrCall(setup(format_, **rest))
    call.start()
    answered(call, reply)
    return call


# --- requests ---------------------------------------------------------------------------------------------------------

PRINTED = [
    ("cdr", Format.XMLRPC),
    ("ivr-start", Format.XMLRPC),
    ("hangup", Format.XMLRPC),
    ("hangup", Format.JSON),
]


@pytest.mark.parametrize(("name", "format_"), PRINTED)
def test_requests_are_written_as_the_document_prints_them(name: str, format_: Format) -> None:
    """The document's values give the document's bytes, down to the types of integers and the form of empty strings."""
    [sample] = find_samples("voicenter", name, format_)
    [callback] = voicenter().read(_as_request(sample.body, sample.headers)).callbacks
    assert callback.event is not None
    made = request_of(callback.kind, callback.event.raw, format_, asks=False)
    assert made.body.decode().split() == sample.body.decode().split()


def _as_request(body: bytes, headers: tuple[tuple[str, str], ...]) -> Any:
    from tests.providers.support import request

    return request(voicenter(), body, content_type=dict(headers)["Content-Type"])


@pytest.mark.parametrize("format_", IvrCall.formats)
def test_the_first_question_is_the_documents(format_: Format) -> None:
    """Menu and previous menu are "-1", and no key was pressed (C-07, C-08)."""
    call = IvrCall(setup(format_, caller="0540000000", did="0730000000"))
    call.start()
    request = call.next_request()
    assert request is not None
    [callback] = voicenter().read(_as_request(request.body, request.headers)).callbacks
    assert callback.kind == "GET_IVR_ACTION"
    assert callback.event is not None
    assert callback.event.raw == {
        "DID": "0730000000",
        "CALLER_ID": "0540000000",
        "CALLER_NAME": "0540000000",
        "IVR_UNIQUE_ID": "call-1",
        "DTMF": "",
        "MENU": "-1",
        "PREVIOUS_MENU": "-1",
    }


# --- each reply example of chapter 5.1, followed ----------------------------------------------------------------------


def test_menu_plays_the_record_and_asks_with_the_digits() -> None:
    """REC is played LOOP times with DELAY between; after SIZE digits the menu of the reply is the next question's."""
    call = started(action("MENU", MENU))
    assert (call.state, call.hears) == (CallState.MENU, (Sound("recording", "record", 4, 3),))
    assert call.press("4")
    assert call.hears == ()  # a key cuts the record off
    assert call.press("2")
    assert not call.press("9")  # SIZE is 2, and the question is out
    expected = {"MENU": "menu", "PREVIOUS_MENU": "-1", "DTMF": "42"}
    assert expected.items() <= asked(call).items()
    assert call.faults == []


def test_the_reply_in_xmlrpc_is_followed_alike() -> None:
    """The dialect of the request decides how its reply is read."""
    values = {"STATUS": 0, "ACTION": "MENU", "LANGUAGE": "he", "DATA": MENU}
    call = started(HttpReply(write_response(values), "text/xml"), Format.XMLRPC)
    assert (call.state, call.position, call.faults) == (CallState.MENU, "menu", [])


def test_silence_in_a_menu_asks_without_digits() -> None:
    """After the record and its loops the question comes with what was pressed: here one digit, then none."""
    call = started(action("MENU", MENU))
    assert call.timeout == 4 * 3 + 3 * 3 + 5
    call.press("7")
    call.wait()
    assert asked(call)["DTMF"] == "7"
    call = started(action("MENU", MENU))
    call.wait()
    assert asked(call)["DTMF"] == ""


def test_validation_asks_again_for_an_incomplete_entry() -> None:
    """With VALIDATION 1 a short entry is dropped and the menu plays again, LOOP times at most (C-29)."""
    call = started(action("MENU", {**MENU, "LOOP": 2, "VALIDATION": 1}))
    call.press("7")
    call.wait()
    assert (call.state, call.digits, call.hears) == (CallState.MENU, "", (Sound("recording", "record", 2, 3),))
    call.press("7")
    call.wait()
    assert asked(call)["DTMF"] == "7"


def test_the_menu_before_becomes_the_previous_menu() -> None:
    """The reply's MENU is the next question's, and the one before it PREVIOUS_MENU, also for the same menu (C-32)."""
    call = started(action("MENU", {**MENU, "MENU": "main", "SIZE": 1}))
    call.press("1")
    answered(call, action("MENU", {**MENU, "MENU": "sub", "SIZE": 1}))
    call.press("2")
    question = asked(call)
    assert (question["MENU"], question["PREVIOUS_MENU"]) == ("sub", "main")


def test_saydigits_reads_digits_and_collects_as_a_menu() -> None:
    """REC, then the digits; what is no digit is ignored (C-13)."""
    call = started(action("SAYDIGITS", {**SAYDIGITS, "DIGITS": "05-47"}))
    assert call.hears == (Sound("recording", "record", 4, 3), Sound("digits", "0 5 4 7"))
    call.press("1")
    call.press("2")
    assert asked(call)["MENU"] == "menu"


def test_digits_as_a_number_are_a_fault() -> None:
    """The document asks for a string, so that leading zeros live (C-13)."""
    call = started(action("SAYDIGITS", {**SAYDIGITS, "DIGITS": 154654}))
    assert [fault.rule for fault in call.faults] == ["C-13"]
    assert call.state is CallState.ENDED


def test_call_rings_talks_and_reports_an_answered_call() -> None:
    """CALLER_REC and music, then ringing; the talk ends after CALL_MAX at most; HANGUP_CALL, then the CDR (D-12)."""
    call = started(action("CALL", CALL), callee=Callee(ring_seconds=8, talk_seconds=90))
    expected = (Sound("recording", "rec"), Sound("music", "musiconhold"), Sound("ringing", "0540123456"))
    assert (call.state, call.hears, call.timeout) == (CallState.DIALING, expected, 8)
    call.wait()
    assert (call.state, call.timeout) == (CallState.TALKING, 90)
    call.wait()
    [(_, hangup), (_, cdr)] = reported(call)
    assert (hangup["TARGET"], hangup["CALL_STATUS"], hangup["CALL_DAILTIME"]) == ("0540123456", "ANSWERED", 8)
    assert (hangup["CALL_DURATION"], hangup["CALL_START_EPOCH"]) == (90, int(NOON.timestamp()))
    assert (cdr["status"], cdr["duration"], cdr["dialtime"], cdr["target"]) == ("ANSWER", 90, 8, "0540123456")
    assert (cdr["record"], cdr["price"]) == ("", 14)


def test_a_failed_call_goes_on_in_the_next_menu() -> None:
    """NEXT_MENU's record is played with its loops and size, then its digits are asked about (C-22, C-23)."""
    call = started(action("CALL", CALL), callee=Callee(CalleeOutcome.BUSY))
    call.wait()
    assert (call.state, call.position, call.hears) == (CallState.MENU, "16", (Sound("recording", "rec", 1, 1),))
    call.press("1")
    call.press("2")
    question = asked(call)
    assert (question["MENU"], question["DTMF"]) == ("16", "12")


def test_a_failed_call_without_next_menu_is_disconnected() -> None:
    """The status says why; a callee that rings longer than CALL_MAX_DIAL does not answer (C-22)."""
    without = {name: value for name, value in CALL.items() if "NEXT_MENU" not in name}
    call = started(action("CALL", without), callee=Callee(ring_seconds=30))
    assert call.timeout == 25
    call.wait()
    [(_, hangup), (_, cdr)] = reported(call)
    assert (hangup["CALL_STATUS"], cdr["status"], cdr["duration"]) == ("NOANSWER", "NOANSWER", 0)


def test_hangup_ends_the_call() -> None:
    """The IVR hung up after a record: TE in the CDR (B-14)."""
    call = started(action("HANGUP", HANGUP))
    [(kind, hangup), (_, cdr)] = reported(call)
    assert (kind, hangup["TARGET"], cdr["status"]) == ("HANGUP_CALL", "", "TE")


def test_silentrecord_records_until_the_caller_hangs_up() -> None:
    """MAXDURATION is the longest; the CDR links to the recording (C-24)."""
    call = started(action("SILENTRECORD", {"REC": "tone", "MAXDURATION": 120}))
    assert (call.state, call.timeout) == (CallState.RECORDING, 120)
    call.hang_up()
    [_, (_, cdr)] = reported(call)
    assert cdr["status"] == "ANSWER"
    assert cdr["record"].endswith("call-1.mp3")


def test_vo_goes_on_in_a_layer_of_the_provider() -> None:
    """From there on each input is an IVR_LAYER_INPUT (C-24, E-14)."""
    call = started(action("VO", {"LAYER": 7, "RECORD": "one_moment", "LOOP": 1, "DELAY": 0}))
    assert (call.position, call.hears[0]) == ("7", Sound("recording", "one_moment"))
    call.press("3")
    question = asked(call)
    assert (question["LAYER_ID"], question["DTMF"]) == (7, "3")


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (None, "A-08"),
        (HttpReply(b"<html>", "text/html"), "A-03"),
        (HttpReply(b'{"STATUS": 1}', "application/json"), "C-26"),
        (HttpReply(b'{"STATUS": 0, "ACTION": "DANCE"}', "application/json"), "chapter 5.1"),
        (action("MENU", {name: value for name, value in MENU.items() if name != "MENU"}), "chapter 5.1"),
        (action("MENU", [1]), "chapter 5.1"),
    ],
)
def test_a_reply_that_cannot_be_followed_ends_the_call_and_names_the_rule(reply: HttpReply | None, rule: str) -> None:
    """The author sees which rule of the document is broken, and the caller hears nothing more."""
    call = started(reply)
    assert rule in {fault.rule for fault in call.faults}
    assert call.state is CallState.ENDED


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (action(" MENU ", MENU), "C-11"),
        (action("MENU", {**MENU, "LOOP": "often"}), "chapter 5.1"),
        (action("MENU", MENU, LANGUAGE=""), "chapter 5.1"),
        (HttpReply(action("MENU", MENU).body, "application/json", 500), "A-06"),
    ],
)
def test_a_fault_that_leaves_the_reply_clear_does_not_end_the_call(reply: HttpReply, rule: str) -> None:
    """It is reported all the same."""
    call = started(reply)
    assert [fault.rule for fault in call.faults] == [rule]
    assert call.state is CallState.MENU


def test_a_caller_who_hangs_up_while_a_question_is_out_is_reported() -> None:
    """The late reply changes nothing any more; in an IVR the status is VOEND (chapter 4)."""
    call = IvrCall(setup())
    call.start()
    question = call.next_request()
    assert question is not None
    call.hang_up()
    call.receive(question, action("MENU", MENU))
    [(_, hangup), (_, cdr)] = reported(call)
    assert (hangup["CALL_STATUS"], cdr["status"]) == ("NOTDIALED", "VOEND")


def test_hanging_up_while_it_rings_is_a_cancel() -> None:
    """CANCEL: the caller hung up before the callee picked up (chapter 4)."""
    call = started(action("CALL", CALL))
    call.hang_up()
    assert [values.get("CALL_STATUS") or values.get("status") for _, values in reported(call)] == ["CANCEL", "CANCEL"]


def test_an_unacknowledged_report_is_a_fault() -> None:
    """Err 1 to a CDR: the provider would send it again."""
    call = RecordedCall(setup())
    call.start()
    answered(call, HttpReply(b'{"err": "1", "errdesc": "Parse error"}', "application/json"))
    assert [str(fault) for fault in call.faults] == ["CDR was not acknowledged: err is '1' Parse error (chapter 4)"]


# --- layers, chapter 12 -----------------------------------------------------------------------------------------------


def layer_reply(**values: Any) -> HttpReply:
    """A JSON reply to IVR_LAYER_INPUT."""
    return HttpReply(json.dumps({"STATUS": 0, **values}).encode(), "application/json")


GO_TO_LAYER = {
    "ACTION": "GO_TO_LAYER",
    "LAYER": 22,
    "CALLER_NAME": "Shlomi",
    "CUSTOM_DATA": {"xxx": "111", "zzz": "333"},
}
DIAL = {
    "ACTION": "DIAL",
    "MAX_CALL_DURATION": 7200,
    "MAX_DIAL_DURATION": 30,
    "RECORDING": "yes",
    "TARGETS": [{"TARGET": "0501234567", "TYPE": "PHONE"}],
    "CALLER_ID": "0722776772",
    "CALLER_NAME": "Voicenter",
    "NEXT_VO_ID": 1,
    "ANSWER_NEXT_VO_ID": 3,
    "UNAVAILABLE_VO_ID": 2,
    "CUSTOM_DATA": {"xxx": "111"},
}


def in_layer(reply: HttpReply | None, callee: Callee | None = None, **options: str) -> LayerCall:
    """A call in layer 8 whose input "1" got this reply."""
    call = LayerCall(setup(options={"layer": "8", **options}, callee=callee or Callee()))
    call.start()
    call.press("1")
    answered(call, reply)
    return call


def test_a_layer_asks_with_its_number_and_the_one_before() -> None:
    """GO_TO_LAYER's custom data comes back with later questions and with the CDR (chapter 12)."""
    call = in_layer(layer_reply(**GO_TO_LAYER))
    assert (call.position, call.faults) == ("22", [])
    call.wait()
    question = asked(call)
    assert (question["LAYER_ID"], question["PREVIOUS_LAYER_ID"], question["DTMF"]) == (22, 8, "0")
    assert question["CUSTOM_DATA"] == {"xxx": "111", "zzz": "333"}
    call.hang_up()
    [(kind, cdr)] = reported(call)
    assert (kind, cdr["CustomData"]) == ("CDR", {"xxx": "111", "zzz": "333"})


@pytest.mark.parametrize(
    ("outcome", "layer"),
    [(CalleeOutcome.BUSY, "1"), (CalleeOutcome.NO_ANSWER, "2"), (CalleeOutcome.ANSWERED, "3")],
)
def test_dial_goes_on_in_the_layer_for_what_became_of_it(outcome: CalleeOutcome, layer: str) -> None:
    """Failure, no answer, and after an answered call: a layer each (E-16)."""
    call = in_layer(layer_reply(**DIAL), Callee(outcome))
    assert (call.state, call.hears) == (CallState.DIALING, (Sound("ringing", "0501234567"),))
    while call.state is not CallState.MENU:
        call.wait()
    assert call.position == layer


def test_several_digits_and_say_digits() -> None:
    """A layer may take several keys (E-14); SAY_DIGITS says something and goes on in a layer (E-19)."""
    call = LayerCall(setup(options={"layer": "8", "digits": "3"}))
    call.start()
    for key in "12":
        call.press(key)
    assert call.next_request() is None
    call.press("3")
    said = [{"RecordType": "Digits", "Content": "4711"}]
    answered(call, layer_reply(ACTION="SAY_DIGITS", NEXT_LAYER=9, LANGUAGE="EN", DATA=said))
    assert (call.position, call.hears[0], call.faults) == ("9", Sound("digits", "4711"), [])


def test_targets_that_are_no_objects_are_a_fault() -> None:
    """The document's own example is no JSON (E-08)."""
    call = in_layer(layer_reply(**{**DIAL, "TARGETS": ["0501234567"]}))
    assert [fault.rule for fault in call.faults] == ["E-08"]


def test_missing_custom_data_is_a_fault() -> None:
    """It is an empty list when there is none (E-09, E-10)."""
    call = in_layer(layer_reply(ACTION="GO_TO_LAYER", LAYER=22))
    assert ([fault.rule for fault in call.faults], call.position) == (["E-10"], "22")


def test_status_1_uses_the_providers_fallback_layer() -> None:
    """Without one the call ends (E-18)."""
    error = HttpReply(b'{"STATUS": 1}', "application/json")
    assert in_layer(error, fallback_layer="5").position == "5"
    assert in_layer(error).state is CallState.ENDED


# --- pop-up, chapter 2 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", PopupCall.formats)
def test_the_pop_up_asks_with_the_phone(format_: Format) -> None:
    """GET, form and JSON; the state is statusCall in a query and status in a body (F-02)."""
    call = PopupCall(setup(format_, caller="0722776772"))
    call.start()
    request = call.next_request()
    assert request is not None
    sent = request.target + request.body.decode()
    assert "0722776772" in sent
    assert ("statusCall" in sent) == (format_ is Format.QUERY)
    contact = {"STATUS": "OK", "URL": "http://x", "CLIENTNAME": "John", "TOTAL": "1", "COMPANY": ""}
    call.receive(request, HttpReply(json.dumps(contact).encode(), "application/json"))
    assert (call.has_ended, call.faults) == (True, [])
    assert call.instruction is not None
    assert call.instruction.action == "CONTACT"


def test_pop_up_fields_are_strings() -> None:
    """TOTAL as a number is a fault, and so is a STATUS other than "OK" (F-03)."""
    call = PopupCall(setup(Format.JSON))
    call.start()
    contact = {"STATUS": "ok", "URL": "", "CLIENTNAME": "", "TOTAL": 1, "COMPANY": ""}
    answered(call, HttpReply(json.dumps(contact).encode(), "application/json"))
    assert [fault.rule for fault in call.faults] == ["F-03", "F-04"]


# --- records, chapter 4 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", [member for member in CdrType if member])
@pytest.mark.parametrize("format_", RecordedCall.formats)
def test_every_call_type_leaves_records_that_the_receiver_reads(type_: CdrType, format_: Format) -> None:
    """Each type of chapter 4, in each format; the CDRs have the type that was asked for."""
    call = RecordedCall(setup(format_, options={"type": type_}))
    call.start()
    types = []
    while (request := call.next_request()) is not None:
        [callback] = voicenter().read(_as_request(request.body, request.headers)).callbacks
        assert callback.kind == "CDR"
        types.append(getattr(callback.event, "call_type", None))
    assert type_ in types


def test_both_legs_of_a_click_to_call_share_the_call_id() -> None:
    """Two CDRs, leg 1 first (B-25)."""
    call = RecordedCall(setup(options={"type": "Click2Call leg2"}))
    cdrs = call.records()
    assert [cdr["type"] for cdr in cdrs] == ["Click2Call leg1", "Click2Call leg2"]
    assert {cdr["ivruniqueid"] for cdr in cdrs} == {"call-1"}


def test_a_transferred_call_names_the_call_it_came_from() -> None:
    """Its own id, and the first one's in OriginalivrUniqueID (B-05)."""
    first, transferred = RecordedCall(setup(options={"type": "XferCDR"})).records()
    assert transferred["OriginalivrUniqueID"] == first["ivruniqueid"] != transferred["ivruniqueid"]


def test_the_wait_in_a_queue_is_in_the_json_cdr_only() -> None:
    """seconds_waiting_in_queue is documented for JSON (B-23)."""
    for format_ in (Format.JSON, Format.XMLRPC):
        [cdr] = RecordedCall(setup(format_, options={"type": "Queue", "status": "ABANDONE"})).records()
        assert ("seconds_waiting_in_queue" in cdr) == (format_ is Format.JSON)
        assert (cdr["status"], cdr["duration"], cdr["queueid"]) == ("ABANDONE", 0, 12345)


# --- what cannot be played --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: RecordedCall(setup(options={"type": "Smoke signal"})), "not a call type"),
        (lambda: IvrCall(setup(Format.FORM)), "does not come as form"),
        (lambda: IvrCall(setup(options={"colour": "red"})), "not an option"),
        (lambda: LayerCall(setup(options={"layer": "first"})), "whole number"),
        (lambda: IvrCall(setup()).press("A"), "not a key"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_can(make: Any, text: str) -> None:
    """Messages name the known types, formats, options and keys."""
    with pytest.raises(SimulationError, match=text):
        make()


def test_keys_have_no_effect_before_the_call_and_while_it_rings() -> None:
    """`press` says whether the provider took the key."""
    assert not IvrCall(setup()).press("1")
    assert not started(action("CALL", CALL)).press("1")


def test_requests_are_each_handed_out_once() -> None:
    """`next_request` empties the outbox."""
    call = IvrCall(setup())
    call.start()
    assert isinstance(call.next_request(), OutgoingRequest)
    assert call.next_request() is None
