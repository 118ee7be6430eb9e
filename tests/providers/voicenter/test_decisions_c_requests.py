"""Section C, first part: the questions of GET_IVR_ACTION."""

import pytest

from receiver.providers.voicenter import Call, IvrRequest, Menu
from tests.providers.support import XML, event_in, in_json, in_xml, only, read, sent


def _asked(**fields: object) -> IvrRequest:
    event = event_in(in_json("GET_IVR_ACTION", fields))
    assert isinstance(event, IvrRequest)
    return event


@pytest.mark.parametrize("method", ["GET_IVR_ACTION", "IVR_MENU", "get_ivr_action", "x.IVR_MENU"])
def test_c03_ivr_menu_is_another_name_of_the_method(method: str) -> None:
    """The document's headings use one, its examples the other."""
    for body in (in_xml(method, {"MENU": "m"}), in_json(method, {"MENU": "m"})):
        assert only(read(body)).kind == "GET_IVR_ACTION"


def test_c05_white_space_inside_a_call_id_is_removed() -> None:
    """Identifiers lose all white space, other fields only that around them."""
    event = _asked(IVR_UNIQUE_ID="ced4619f30fc\n      d6869X ", CALLER_NAME=" John  Doe ")
    assert (event.ivr_unique_id, event.caller_name) == ("ced4619f30fcd6869X", "John  Doe")


@pytest.mark.parametrize("caller", ["0540000000", "n5zx1C2a", "017W", "Anonymous", 540000000])
def test_c06_a_caller_is_an_opaque_string(caller: object) -> None:
    """A phone number, an extension code, or neither."""
    assert _asked(CALLER_ID=caller).caller_id == str(caller)


@pytest.mark.parametrize(
    ("menu", "previous", "first"),
    [("-1", "-1", True), (-1, -1, True), ("-1", "main", False), ("main", "-1", False), ("", "", False)],
)
def test_c07_the_first_question_has_minus_one_twice(menu: object, previous: object, first: bool) -> None:
    """Also as numbers; a menu may itself be named -1."""
    event = _asked(MENU=menu, PREVIOUS_MENU=previous)
    assert event.is_first is first
    assert event.menu == str(menu)


@pytest.mark.parametrize("dtmf", ["", "0", "007", "*", "#", "1*#", "0123456789"])
def test_c08_digits_keep_their_leading_zeros_stars_and_hashes(dtmf: str) -> None:
    """Empty means that no key was pressed."""
    for body in (in_xml("GET_IVR_ACTION", {"DTMF": dtmf}), in_json("GET_IVR_ACTION", {"DTMF": dtmf})):
        assert event_in(body).dtmf == dtmf


def test_c04_a_field_that_is_listed_twice_is_one_field() -> None:
    """The request's table has IVR_UNIQUE_ID twice, the CALL reply's table TARGET_REC."""
    names = [name for name in IvrRequest.model_fields if "unique" in name]
    assert names == ["ivr_unique_id"]
    twice = '{"METHOD": "GET_IVR_ACTION", "DATA": {"IVR_UNIQUE_ID": "a", "IVR_UNIQUE_ID": "a"}}'
    assert (event_in(twice).call_id, read(twice).notes) == ("a", ())
    reply = sent(Call(target="1", max_dial=1, max_duration=1, target_rec="r"), XML)
    assert reply["DATA"]["TARGET_REC"] == "r"
    assert len([field for field in Call.model_fields.values() if field.serialization_alias == "TARGET_REC"]) == 1


def test_c32_the_menu_of_a_reply_is_the_menu_of_the_next_request() -> None:
    """DATA's MENU comes back as MENU, and then as PREVIOUS_MENU."""
    reply = sent(Menu(menu="main", rec="main", size=1))["DATA"]
    step = _asked(MENU=reply["MENU"], PREVIOUS_MENU="-1", DTMF="1")
    assert (step.menu, step.previous_menu, step.is_first) == ("main", "-1", False)
    after = _asked(MENU="sub", PREVIOUS_MENU=step.menu)
    assert (after.menu, after.previous_menu) == ("sub", "main")
