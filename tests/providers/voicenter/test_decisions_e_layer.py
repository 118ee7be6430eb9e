"""Section E: the layer IVR."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from receiver.providers.base.contract import Fault
from receiver.providers.voicenter import Dial, GoToLayer, LayerInput, LayerSayDigits, Spoken, Target
from receiver.providers.voicenter.layer_actions import LAYER_ACTIONS
from tests.providers.support import JSON, XML, event_in, exact, in_json, in_xml, only, read, sent, voicenter

DIAL = Dial(targets=(Target(target="0501234567"),))
both_dialects = pytest.mark.parametrize("dialect", [XML, JSON])


def _input(**fields: object) -> LayerInput:
    event = event_in(in_json("IVR_LAYER_INPUT", fields))
    assert isinstance(event, LayerInput)
    return event


@pytest.mark.parametrize(
    "method", ["IVR_LAYER_INPUT", "IvrExternalLayerInput", "IVR_EXTERNAL_LAYER_INPUT", "ivr_layer_input"]
)
def test_e01_the_method_has_three_names(method: str) -> None:
    """The document's text and its example differ."""
    assert only(read(in_json(method, {"LAYER_ID": 8}))).kind == "IVR_LAYER_INPUT"


def test_e02_the_method_works_in_xml_too() -> None:
    """The document has only a JSON example."""
    assert event_in(in_xml("IVR_LAYER_INPUT", {"LAYER_ID": 8, "DTMF": "1"})).layer_id == 8
    assert sent(GoToLayer(layer=22), XML)["LAYER"] == 22


def test_e03_the_requests_fields_are_those_of_its_example() -> None:
    """The document's table mixes request and reply: fields of the reply are not fields of the question."""
    asked = {
        "DID": "1",
        "CALLER_ID": "2",
        "IVR_UNIQUE_ID": "3",
        "DTMF": "4",
        "LAYER_ID": 5,
        "PREVIOUS_LAYER_ID": 6,
        "CUSTOM_DATA": {},
    }
    assert _input(**asked, STATUS=0, NEXT_VO_ID=1).extra == {"STATUS": 0, "NEXT_VO_ID": 1}


@both_dialects
def test_e04_e05_e10_go_to_layer_has_a_layer_and_always_custom_data(dialect: Any) -> None:
    """The key LAYER has no blank; it is mandatory here and absent from DIAL."""
    assert exact(sent(GoToLayer(layer=22), dialect)) == exact(
        {"STATUS": 0, "ACTION": "GO_TO_LAYER", "LAYER": 22, "CUSTOM_DATA": []}
    )
    assert "LAYER" not in sent(DIAL, dialect)
    with pytest.raises(ValidationError):
        GoToLayer()  # type: ignore[call-arg]  # the mistake under test


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("UNAVAILABLE_VO_ID", {"UNAVAILABLE_VO_ID": 2}),
        ("UNAVAILABLE_VO", {"UNAVAILABLE_VO": 2}),
        ("both", {"UNAVAILABLE_VO_ID": 2, "UNAVAILABLE_VO": 2}),
    ],
)
@pytest.mark.parametrize("given", ["unavailable_vo", "unavailable_vo_id"])
def test_e06_the_doubtful_name_is_a_setting_and_handlers_may_give_either(
    key: str, expected: dict[str, int], given: str
) -> None:
    """`unavailable_key` chooses the name that is sent."""
    dial = Dial(targets=(Target(target="1"),), **{given: 2})  # type: ignore[arg-type]  # a name from the test's table
    values = sent(dial, JSON, unavailable_key=key)
    assert {name: value for name, value in values.items() if name.startswith("UNAVAILABLE")} == expected


@both_dialects
@pytest.mark.parametrize(("given", "wire"), [("yes", "yes"), ("no", "no"), (True, "yes"), (False, "no")])
def test_e07_recording_is_yes_or_no_and_the_rest_integers(dialect: Any, given: Any, wire: str) -> None:
    """Handlers may use booleans."""
    dial = Dial(
        targets=(Target(target="1"),), recording=given, max_call_duration=7200, max_dial_duration=30, caller_id="2"
    )
    values = sent(dial, dialect)
    expected = {"RECORDING": wire, "MAX_CALL_DURATION": 7200, "MAX_DIAL_DURATION": 30, "CALLER_ID": "2"}
    assert exact({name: values[name] for name in expected}) == exact(expected)


@both_dialects
def test_e08_targets_are_an_array_of_objects(dialect: Any) -> None:
    """The document's example is not valid JSON; the default type is PHONE."""
    dial = Dial(targets=(Target(target="0501234567"), Target(target="AAPINFzL", type="EXTENSION")))
    assert sent(dial, dialect)["TARGETS"] == [
        {"TARGET": "0501234567", "TYPE": "PHONE"},
        {"TARGET": "AAPINFzL", "TYPE": "EXTENSION"},
    ]
    with pytest.raises(ValidationError):
        Dial(targets=())


@both_dialects
@pytest.mark.parametrize("reply", [GoToLayer(layer=1), DIAL], ids=["go to layer", "dial"])
@pytest.mark.parametrize(
    ("setting", "expected"), [("list", {"CUSTOM_DATA": []}), ("object", {"CUSTOM_DATA": {}}), ("omit", {})]
)
def test_e09_e10_empty_custom_data_is_a_list_unless_a_setting_says_otherwise(
    reply: Any, setting: str, expected: dict[str, Any], dialect: Any
) -> None:
    """The document's remark is an empty array; `empty_custom_data` changes it."""
    values = sent(reply, dialect, empty_custom_data=setting)
    assert {name: value for name, value in values.items() if name == "CUSTOM_DATA"} == expected


@both_dialects
def test_e09_custom_data_with_content_is_an_object(dialect: Any) -> None:
    """As in both examples, whatever `empty_custom_data` is."""
    for setting in ("list", "object", "omit"):
        reply = GoToLayer(layer=1, custom_data={"xxx": "111"})
        assert sent(reply, dialect, empty_custom_data=setting)["CUSTOM_DATA"] == {"xxx": "111"}


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ({"a": "1", "b": " 2 "}, {"a": "1", "b": " 2 "}),
        ([{"a": "1"}, {"b": "2"}], {"a": "1", "b": "2"}),
        ([["a", "1"], ["b", "2"]], {"a": "1", "b": "2"}),
        ([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], {"a": "1", "b": "2"}),
        ([{"Value": "1", "Key": " a "}], {"a": "1"}),
        ([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}], {"a": "1", "b": "2"}),
        ([{"name": "a", "value": "1"}, {"Key": "b", "Value": "2"}, ["c", "3"]], {"a": "1", "b": "2", "c": "3"}),
        ([{"a": "1", "b": "2"}, {"a": "1"}, ["a", "1"]], {"a": "1", "b": "2"}),
        ([{"name": "a", "key": "b"}], {"name": "a", "key": "b"}),
        ('[{"key": "a", "value": "1"}, {"key": "b", "value": 2}]', {"a": "1", "b": "2"}),
        ([{"key": "a", "value": "1", "more": "2"}], {"key": "a", "value": "1", "more": "2"}),
        ({"key": "a", "value": "1"}, {"key": "a", "value": "1"}),
        ('{"a": "1"}', {"a": "1"}),
        ('[["a", "1"]]', {"a": "1"}),
        ([], {}),
        ({}, {}),
        (None, {}),
        ("", {}),
        ("[]", {}),
    ],
)
def test_e09_custom_data_is_read_in_every_shape(value: object, pairs: dict[str, str]) -> None:
    """Object, array of objects, array of pairs, JSON text, null, and nothing."""
    assert _input(CUSTOM_DATA=value).custom_data == pairs
    assert _input().custom_data == {}


@pytest.mark.parametrize(
    "value",
    [
        [{"field": "a", "value": "1"}, {"field": "b", "value": "2"}],
        [{"a": "1"}, {"b": "2"}, {"a": "3"}],
        [["a", "1"], ["a", "2"]],
        [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}],
        '[{"n": "a", "v": "1"}, {"n": "b", "v": "2"}]',
    ],
)
def test_e09_of_two_values_for_one_key_none_is_dropped_in_silence(value: object) -> None:
    """Which of them counts is not known: the field is named in `unread`, and all of it stays in `raw`."""
    question = _input(DTMF="1", CUSTOM_DATA=value)
    assert (question.custom_data, question.unread, question.dtmf) == ({}, ("CUSTOM_DATA",), "1")
    assert question.raw["CUSTOM_DATA"] == value


@pytest.mark.parametrize("value", ["text", 7, [1], [["a"]], {"a": {"b": 1}}])
def test_e09_other_custom_data_loses_no_question(value: object) -> None:
    """Custom data of an unknown shape is kept as sent."""
    assert _input(DTMF="1", CUSTOM_DATA=value).raw["CUSTOM_DATA"] == value


def test_e11_a_callers_name_is_optional() -> None:
    """Left out when None."""
    assert "CALLER_NAME" not in sent(DIAL)
    assert sent(GoToLayer(layer=1, caller_name="Shlomi"))["CALLER_NAME"] == "Shlomi"


def test_e12_keys_of_custom_data_are_trimmed_unless_two_would_collide() -> None:
    """In requests."""
    assert _input(CUSTOM_DATA={"yyy ": "222"}).custom_data == {"yyy": "222"}
    assert _input(CUSTOM_DATA={"yyy ": "1", "yyy": "2"}).custom_data == {"yyy ": "1", "yyy": "2"}


@pytest.mark.parametrize(("trim", "key"), [(True, "yyy"), (False, "yyy ")])
def test_e12_keys_are_trimmed_in_replies_unless_a_setting_says_otherwise(trim: bool, key: str) -> None:
    """`trim_custom_data_keys = false` keeps them unchanged."""
    reply = GoToLayer(layer=1, custom_data={"yyy ": "222"})
    assert sent(reply, JSON, trim_custom_data_keys=trim)["CUSTOM_DATA"] == {key: "222"}


@pytest.mark.parametrize("length", [1, 27, 28, 32, 35, 300])
def test_e13_a_call_id_has_any_length(length: int) -> None:
    """The document's text and its sample differ."""
    assert _input(IVR_UNIQUE_ID="x" * length).call_id == "x" * length


@pytest.mark.parametrize("dtmf", ["1", "1234567", "0", "00*#", "", 12])
def test_e14_digits_are_a_string_of_any_length(dtmf: object) -> None:
    """The document has one digit in its text and seven in its sample."""
    assert _input(DTMF=dtmf).dtmf == str(dtmf)


@pytest.mark.parametrize("value", [8, "8", " 8 ", -1, "-1", 2**40])
def test_e15_layers_are_integers_also_from_strings(value: object) -> None:
    """Negative and large ones are kept."""
    event = _input(LAYER_ID=value, PREVIOUS_LAYER_ID=value)
    assert event.layer_id == event.previous_layer_id == int(str(value))


def test_e16_the_three_next_layers_pass_through() -> None:
    """For a failure, after an answered call, for no answer: the provider decides how they overlap."""
    dial = Dial(targets=(Target(target="1"),), next_vo_id=1, answer_next_vo_id=2, unavailable_vo_id=3)
    values = sent(dial)
    assert [values[name] for name in ("NEXT_VO_ID", "ANSWER_NEXT_VO_ID", "UNAVAILABLE_VO_ID")] == [1, 2, 3]
    assert not [name for name in sent(DIAL) if "VO" in name]


@both_dialects
@pytest.mark.parametrize("fault", [Fault.PARSE, Fault.APPLICATION])
def test_e18_the_error_is_status_1_alone(dialect: Any, fault: Fault) -> None:
    """An invented ACTION could route the call."""
    assert exact(sent(voicenter().fault_reply("IVR_LAYER_INPUT", fault, "reason"), dialect)) == exact({"STATUS": 1})


def test_e18_a_configured_fallback_routes_the_call() -> None:
    """Settings may name an action and a layer."""
    provider = voicenter(fallbacks=[{"kind": "IVR_LAYER_INPUT", "action": "GO_TO_LAYER", "fields": {"layer": 9}}])
    assert provider.fallback(_input()) == GoToLayer(layer=9)


def test_e19_two_actions_are_documented_and_the_newer_one_is_offered() -> None:
    """SAY_DIGITS says something and goes on in a layer."""
    assert {reply.action for reply in LAYER_ACTIONS} == {"DIAL", "GO_TO_LAYER", "SAY_DIGITS"}
    say = LayerSayDigits(next_layer=3, language="en", content=(Spoken(type="Digits", content="007"),))
    body = json.loads(voicenter().write(say, JSON).body)
    assert list(body) == ["STATUS", "ACTION", "NEXT_LAYER", "LANGUAGE", "DATA"]
    assert body["DATA"] == [{"RecordType": "Digits", "Content": "007"}]
    assert body["LANGUAGE"] == "EN"


def test_e22_the_provider_waits_five_seconds() -> None:
    """The deadline of a handler follows from it."""
    kind = voicenter().kind("IVR_LAYER_INPUT")
    assert kind is not None
    assert kind.patience == 5.0
