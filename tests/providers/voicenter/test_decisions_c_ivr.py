"""Section C, second part: the replies to GET_IVR_ACTION."""

import logging
import xmlrpc.client
from typing import Any

import pytest
from pydantic import ValidationError

from receiver.providers.base.contract import Fault
from receiver.providers.voicenter import Call, Hangup, HangupCause, Menu, SayDigits, SilentRecord, Vo
from receiver.providers.voicenter.ivr_actions import IVR_ACTIONS, IvrAction
from tests.providers.support import JSON, XML, event_in, exact, in_json, sent, voicenter

MENU = Menu(rec="r", size=4, menu="m")
CALL: dict[str, Any] = {"target": "0540123456", "max_dial": 25, "max_duration": 3200}
MINIMAL: tuple[IvrAction, ...] = (
    MENU,
    Call(**CALL),
    SayDigits(size=1, menu="m", digits="7"),
    Vo(layer=2),
    SilentRecord(),
    Hangup(),
)
both_dialects = pytest.mark.parametrize("dialect", [XML, JSON])


def _mandatory(reply: type[IvrAction]) -> set[str]:
    return {
        "MENU": {"REC", "LOOP", "DELAY", "SIZE", "MENU", "VALIDATION"},
        "CALL": {"TARGET", "CALLERID", "CALLERNAME", "CALL_MAX_DIAL", "CALL_MAX", "REC_STATUS"},
        "SAYDIGITS": {"REC", "LOOP", "DELAY", "SIZE", "MENU", "VALIDATION", "SAYDIGITSRECORD", "DIGITS"},
        "VO": {"LAYER", "RECORD", "LOOP", "DELAY"},
        "SILENTRECORD": set(),
        "HANGUP": set(),
    }[reply.action]


@both_dialects
@pytest.mark.parametrize("reply", MINIMAL, ids=lambda reply: reply.action)
def test_c02_c24_c31_every_action_has_the_four_fields_in_order(reply: IvrAction, dialect: Any) -> None:
    """The second table is the reply's; DATA has only the mandatory fields if no others were given."""
    values = sent(reply, dialect)
    assert list(values) == ["STATUS", "ACTION", "LANGUAGE", "DATA"]
    assert (values["STATUS"], values["ACTION"]) == (0, reply.action)
    assert set(values["DATA"]) == _mandatory(type(reply))


def test_c24_all_six_actions_of_the_table_exist() -> None:
    """Including those without an example."""
    assert {reply.action for reply in IVR_ACTIONS} == {"MENU", "CALL", "HANGUP", "SAYDIGITS", "VO", "SILENTRECORD"}


@pytest.mark.parametrize(
    ("case", "in_xml_", "in_json_"), [("documented", "en", "EN"), ("lower", "en", "en"), ("upper", "EN", "EN")]
)
@pytest.mark.parametrize("given", ["en", "EN", "En"])
def test_c09_language_is_lower_case_in_xml_and_upper_case_in_json_unless_forced(
    case: str, in_xml_: str, in_json_: str, given: str
) -> None:
    """`language_case` forces either; handlers may use any case."""
    reply = Hangup(language=given)
    assert sent(reply, XML, language_case=case)["LANGUAGE"] == in_xml_
    assert sent(reply, JSON, language_case=case)["LANGUAGE"] == in_json_


@pytest.mark.parametrize(
    ("language", "options", "warned"),
    [("he", {}, False), ("EN", {}, False), ("ru", {}, True), ("ru", {"languages": ["he", "ru"]}, False)],
)
def test_c10_an_unlisted_language_is_sent_with_a_warning(
    language: str, options: dict[str, object], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """`languages` extends the list; `language` is sent if a reply has none."""
    with caplog.at_level(logging.WARNING):
        assert sent(Hangup(language=language), JSON, **options)["LANGUAGE"] == language.upper()
    assert bool(caplog.records) is warned
    assert sent(Hangup(), XML, language="en")["LANGUAGE"] == "en"


@both_dialects
def test_c11_c12_c13_c14_saydigits_is_a_plain_struct_of_eight(dialect: Any) -> None:
    """ACTION without blanks, each key once, and the digits as a string, unchanged."""
    values = sent(SayDigits(rec="r", size=2, menu="m", validation=True, digits="0547-1"), dialect)
    assert values["ACTION"] == "SAYDIGITS"
    expected = {
        "REC": "r",
        "LOOP": 1,
        "DELAY": 0,
        "SIZE": 2,
        "MENU": "m",
        "VALIDATION": 1,
        "SAYDIGITSRECORD": "blank",
        "DIGITS": "0547-1",
    }
    assert exact(values["DATA"]) == exact(expected)


def test_c13_digits_are_never_an_integer() -> None:
    """A number would lose its zeros, so the reply raises an error when it is made."""
    with pytest.raises(ValidationError):
        SayDigits(size=1, menu="m", digits=547)  # type: ignore[arg-type]  # the mistake under test


@both_dialects
def test_c15_numbers_have_the_tables_type_in_both_formats(dialect: Any) -> None:
    """Also those that are strings in one of the examples."""
    call = Call(**CALL, next_menu="16", next_menu_loop=3, next_menu_wait=1, next_menu_size=4, record=True)
    data = sent(call, dialect)["DATA"]
    numbers = {
        "CALL_MAX_DIAL": 25,
        "CALL_MAX": 3200,
        "NEXT_MENU_LOOP": 3,
        "NEXT_MENU_WAIT": 1,
        "NEXT_MENU_SIZE": 4,
        "REC_STATUS": 1,
    }
    assert exact({name: data[name] for name in numbers}) == exact(numbers)
    assert data["NEXT_MENU"] == "16"


def test_c16_c17_names_are_always_sent_and_in_hebrew_too() -> None:
    """CALLERID and CALLERNAME may be empty, never absent."""
    data = sent(Call(**CALL))["DATA"]
    assert (data["CALLERID"], data["CALLERNAME"]) == ("", "")
    assert sent(Call(**CALL, caller_name="שירות"), XML)["DATA"]["CALLERNAME"] == "שירות"


def test_c18_no_record_is_blank_where_mandatory_and_left_out_elsewhere() -> None:
    """The examples send the word "blank"; an empty string is sent if the handler gives one."""
    assert sent(Vo(layer=1))["DATA"]["RECORD"] == "blank"
    assert "HANGUP_REC" not in sent(Hangup())["DATA"]
    assert sent(Call(**CALL, target_rec=""))["DATA"]["TARGET_REC"] == ""


@pytest.mark.parametrize("rec", ["record_filename", "rec.wav", "blank", "תפריט"])
def test_c19_record_names_pass_through(rec: str) -> None:
    """With or without an extension."""
    assert sent(Menu(rec=rec, size=1, menu="m"), XML)["DATA"]["REC"] == rec


@both_dialects
def test_c20_c21_dialstrings_go_beside_the_target_without_blanks(dialect: Any) -> None:
    """TARGET always, DIALSTRINGS only when given, as an array of strings."""
    given = [" SIP/972547000000@provider1", "SIP/972547000000@provider2 "]
    data = sent(Call(**CALL, dialstrings=given, dtmf_play="3\n    "), dialect)["DATA"]
    assert data["TARGET"] == "0540123456"
    assert data["DIALSTRINGS"] == ["SIP/972547000000@provider1", "SIP/972547000000@provider2"]
    assert data["DTMF_PLAY"] == "3"
    assert "DIALSTRINGS" not in sent(Call(**CALL), dialect)["DATA"]


@pytest.mark.parametrize("next_menu", [None, ""])
def test_c22_without_a_next_menu_its_other_fields_are_not_sent(next_menu: str | None) -> None:
    """Without a next menu the caller is disconnected, so its other fields have no meaning."""
    data = sent(Call(**CALL, next_menu=next_menu, next_menu_loop=1, next_menu_rec="r"))["DATA"]
    assert [name for name in data if name.startswith("NEXT_MENU")] == ([] if next_menu is None else ["NEXT_MENU"])


def test_c23_the_next_menus_fields_have_their_own_names() -> None:
    """NEXT_MENU_WAIT is not DELAY, and NEXT_MENU_RECORD is not REC."""
    data = sent(Call(**CALL, next_menu="n", next_menu_rec="r", next_menu_wait=3))["DATA"]
    assert (data["NEXT_MENU_RECORD"], data["NEXT_MENU_WAIT"]) == ("r", 3)
    assert not {"REC", "DELAY"} & set(data)


@pytest.mark.parametrize("cause", [0, 16, 127, HangupCause.USER_BUSY])
def test_c25_c27_a_cause_is_0_to_127_and_data_may_be_empty(cause: int) -> None:
    """The cause is left out by default."""
    assert exact(sent(Hangup(cause=cause))["DATA"]) == exact({"HANGUP_CAUSE": int(cause)})
    assert sent(Hangup(), XML)["DATA"] == {}


@pytest.mark.parametrize("cause", [-1, 128])
def test_c25_other_causes_are_rejected(cause: int) -> None:
    """ISUP has seven bits."""
    with pytest.raises(ValidationError):
        Hangup(cause=cause)


@both_dialects
@pytest.mark.parametrize("fault", [Fault.PARSE, Fault.APPLICATION])
def test_c26_the_error_reply_has_all_four_fields_unless_a_setting_says_otherwise(dialect: Any, fault: Fault) -> None:
    """STATUS 1 with HANGUP and empty DATA; `ivr_error` sends STATUS alone."""
    reply = voicenter().fault_reply("GET_IVR_ACTION", fault, "reason")
    language = "he" if dialect is XML else "HE"
    assert exact(sent(reply, dialect)) == exact({"STATUS": 1, "ACTION": "HANGUP", "LANGUAGE": language, "DATA": {}})
    assert exact(sent(reply, dialect, ivr_error="status_only")) == exact({"STATUS": 1})


def test_c26_a_configured_fallback_has_status_0_and_is_selected_by_number() -> None:
    """STATUS 0 is the only behaviour that the document defines; the first fallback that matches is used."""
    fallbacks = [
        {"kind": "GET_IVR_ACTION", "action": "hangup", "did": "0730000000", "fields": {"rec": "closed"}},
        {"kind": "GET_IVR_ACTION", "action": "CALL", "fields": {**CALL, "dialstrings": ["SIP/1"]}},
    ]
    provider = voicenter(fallbacks=fallbacks)
    reply = provider.fallback(event_in(in_json("GET_IVR_ACTION", {"DID": "0730000000"})))
    assert reply == Hangup(rec="closed")
    assert sent(reply)["STATUS"] == 0
    assert provider.fallback(event_in(in_json("GET_IVR_ACTION", {"DID": "0731111111"}))) == Call(
        **CALL, dialstrings=("SIP/1",)
    )
    assert provider.fallback(event_in(in_json("IVR_LAYER_INPUT", {}))) is None


@pytest.mark.parametrize(("given", "wire"), [(True, 1), (False, 0), (1, 1), (0, 0)])
def test_c29_validation_is_sent_as_1_or_0(given: Any, wire: int) -> None:
    """Handlers may use True or 1."""
    assert exact(sent(Menu(rec="r", size=1, menu="m", validation=given))["DATA"]["VALIDATION"]) == exact(wire)


@pytest.mark.parametrize("field", ["loop", "delay", "size"])
@pytest.mark.parametrize("number", [-1, 1.5, "1", True, None])
def test_c30_counts_are_whole_numbers_from_0(field: str, number: Any) -> None:
    """Any other value is rejected when the reply is made."""
    with pytest.raises(ValidationError):
        Menu(**{"rec": "r", "size": 1, "menu": "m", field: number})


@pytest.mark.parametrize("number", [0, 1, 7200, 2**31 - 1])
def test_c30_counts_have_no_limit_but_the_formats(number: int) -> None:
    """XML-RPC's int has 32 bits."""
    body = voicenter().write(Call(target="1", max_dial=number, max_duration=number), XML).body
    assert xmlrpc.client.loads(body)[0][0]["DATA"]["CALL_MAX"] == number  # type: ignore[index, call-overload]  # typeshed has no types for values
