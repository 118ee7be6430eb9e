"""Section F: the pop-up screen."""

import json

import pytest
from pydantic import ValidationError

from receiver.providers.base.contract import Fault, Mode, ParsedCallback
from receiver.providers.voicenter import Contact, NoContact, PopupRequest
from tests.providers.support import JSON, XML, exact, in_form, in_xml, only, parsed, read, request, sent, voicenter

URL = "http://www.yourdomain.com/contact_search.asp?user_phone=0722776772"


def _asked(fields: dict[str, str]) -> list[ParsedCallback]:
    bodies = [
        request(voicenter(), path="popup", query=in_form(fields).decode()),
        request(voicenter(), in_form(fields), path="popup"),
        request(voicenter(), json.dumps(fields), path="popup"),
    ]
    return [only(voicenter().read(each)) for each in bodies]


def test_f01_the_pop_up_is_a_question_with_an_endpoint_of_its_own() -> None:
    """By GET, and from a browser if an origin is configured."""
    endpoint = next(each for each in voicenter().endpoints if each.kind == "POPUP")
    assert (endpoint.path, endpoint.cors) == ("popup", True)
    kind = voicenter().kind("POPUP")
    assert kind is not None
    assert kind.mode is Mode.ASK


@pytest.mark.parametrize("name", ["phone", "PHONE", "Phone"])
def test_f02_query_form_and_json_are_equivalent(name: str) -> None:
    """Additional parameters are kept."""
    for item in _asked({name: "0722776772", "lang": "he"}):
        assert item.event is not None
        assert item.event.model_dump(include={"phone", "extra"}) == {"phone": "0722776772", "extra": {"lang": "he"}}


@pytest.mark.parametrize("state", ["status", "statusCall"])
def test_f02_the_newer_parameters_are_fields(state: str) -> None:
    """Call id, user, number and state, whose name differs between GET and POST."""
    for item in _asked({"phone": "1", "ivrid": "id1", "extenUser": "A", "did": "2", state: "Ringing"}):
        assert item.event is not None
        fields = {"ivr_unique_id": "id1", "exten_user": "A", "did": "2", "status": "Ringing"}
        assert item.event.model_dump(include=set(fields)) == fields
        assert item.event.call_id == "id1"


@pytest.mark.parametrize("fields", [{}, {"phone": ""}, {"did": "1"}])
def test_f02_without_a_phone_it_is_a_parse_error(fields: dict[str, str]) -> None:
    """There is no number to look up."""
    assert {item.fault for item in _asked(fields)} == {Fault.PARSE}


def test_f02_a_query_without_the_fields_of_a_callback_is_a_parse_error() -> None:
    """`caller` alone is not enough for a CDR at the common URL (A-04)."""
    assert only(read("", query="caller=054")).fault is Fault.PARSE


@pytest.mark.parametrize("dialect", [JSON, XML])
def test_f03_a_contact_is_five_strings_in_json(dialect: str) -> None:
    """TOTAL too; the reply is JSON whatever the request was."""
    reply = Contact(url=URL, client_name="John Doe", company="Voicenter")
    values = {"STATUS": "OK", "URL": URL, "CLIENTNAME": "John Doe", "TOTAL": "1", "COMPANY": "Voicenter"}
    assert exact(sent(reply, JSON if dialect == JSON else XML)) == exact(values)


@pytest.mark.parametrize("total", [1, "one", "-1", ""])
def test_f03_total_is_a_string_of_digits(total: str) -> None:
    """Any other value is rejected when the reply is made."""
    with pytest.raises(ValidationError):
        Contact(url=URL, client_name="", total=total)


def test_f04_no_contact_is_ok_with_total_0() -> None:
    """The other three fields are empty strings. It is also the reply without a handler."""
    no_contact = {"STATUS": "OK", "URL": "", "CLIENTNAME": "", "TOTAL": "0", "COMPANY": ""}
    assert sent(NoContact()) == no_contact
    assert sent(voicenter().error_reply("POPUP")) == no_contact


def test_f04_an_error_is_not_ok() -> None:
    """The browser extension shows a bubble only for exactly "OK"."""
    for fault in (Fault.PARSE, Fault.APPLICATION):
        assert sent(voicenter().fault_reply("POPUP", fault, "reason"))["STATUS"] == "1"


def test_f05_the_pop_up_waits_three_seconds() -> None:
    """It is sent before the phone rings."""
    kind = voicenter().kind("POPUP")
    assert kind is not None
    assert kind.patience == 3.0


def test_f06_cors_is_off_until_an_origin_is_configured() -> None:
    """`popup_origins` turns it on."""
    assert voicenter().options.popup_origins == ()
    assert voicenter(popup_origins=["https://crm.example"]).options.popup_origins == ("https://crm.example",)


def test_f04_an_xml_call_to_the_pop_up_is_answered_in_json() -> None:
    """JSON is the only reply in the document."""
    reading = read(in_xml("POPUP", {"phone": "1"}), path="popup")
    assert isinstance(only(reading).event, PopupRequest)
    reply = voicenter().write(NoContact(), reading.dialect)
    assert parsed(reply)["STATUS"] == "OK"
    assert reply.content_type == "application/json"
