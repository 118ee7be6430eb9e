"""Section I, Anveo: what its document leaves open."""

from typing import Any

import pytest

import receiver.providers.anveo
from receiver.errors import SettingsError
from receiver.providers.anveo import Client
from receiver.providers.base.api.errors import ParameterError, ProviderError
from receiver.providers.base.discovery import discover
from tests.api.examples_others import ANVEO_OK
from tests.api.examples_others import EXAMPLES as OTHERS
from tests.api.support import options_of, read, request_of

BUTTON: dict[str, Any] = dict(next(one for one in OTHERS if one.provider == "anveo").given)
FLOW = {name: value for name, value in BUTTON.items() if name not in ("phone_number", "ask_confirmation")} | {
    "configuration": "CALLFLOW",
    "call_flow": "a3348f81491bfb538cd2dbbda9e3c43c1e88ab22",
}


def body(**given: Any) -> str:
    """The XML that is sent."""
    return request_of("anveo", "buttons.create", **given).body.decode()


def test_i46_the_address_must_be_given() -> None:
    """The document has none; what is given is the whole of it."""
    with pytest.raises(SettingsError, match="names no address"):
        options_of("anveo", base_url=None)
    assert Client(user_key="k", base_url="https://api.anveo.example/v1.asp")
    request = request_of("anveo", "buttons.create", **BUTTON)
    assert (request.method, request.url) == ("POST", "https://api.anveo.example/v1")
    assert request.headers == {"content-type": "text/xml; charset=utf-8"}


def test_i47_the_message_for_other_hours_is_text_and_both_hours_may_be_equal() -> None:
    """Its description is a copy of an hour's; both hours' examples are 8."""
    sent = body(**{**BUTTON, "hour_from": 8, "hour_to": 8, "off_hours_message": "I am not available."})
    assert '<PARAMETER NAME="OFFHOURSMESSAGE">I am not available.</PARAMETER>' in sent


def test_i48_a_configuration_is_a_word_and_a_number_has_no_dot() -> None:
    """The examples print the number's under both, with a dot at its end."""
    sent = body(**{**BUTTON, "phone_number": "+1 215-701-0680."})
    assert '<PARAMETER NAME="CONFIGURATION">SIMPLE</PARAMETER>' in sent
    assert '<PARAMETER NAME="PHONENUMBER">12157010680</PARAMETER>' in sent


def test_i49_countries_are_sent_as_given_one_parameter_each() -> None:
    """The list of their names is missing."""
    sent = body(**BUTTON, allow_countries=["USA", "CANADA"])
    assert '"ALLOWCOUNTRY">USA</PARAMETER>\n\t\t<PARAMETER NAME="ALLOWCOUNTRY">CANADA</PARAMETER>' in sent


def test_i50_variables_are_named_by_an_attribute_and_only_for_a_call_flow() -> None:
    """As in the example; the text speaks of another action."""
    sent = body(**FLOW, variables={"ACCOUNTID": "8732123", "VERIFICATIONCODE": "1453"})
    assert '<PARAMETER NAME="VARIABLE" VARIABLENAME="ACCOUNTID">8732123</PARAMETER>' in sent
    with pytest.raises(ParameterError, match="variables is not allowed with configuration SIMPLE"):
        request_of("anveo", "buttons.create", **BUTTON, variables={"A": "1"})


def test_i51_anything_but_success_is_an_error() -> None:
    """No error is documented; what comes is kept."""
    assert read("anveo", "buttons.create", ANVEO_OK).result == "SUCCESS"
    failed = "<RESPONSE><RESULT>FAILURE</RESULT><ERROR>Unknown profile</ERROR></RESPONSE>"
    with pytest.raises(ProviderError, match="error FAILURE: Unknown profile") as raised:
        read("anveo", "buttons.create", failed)
    assert raised.value.raw == {"RESULT": "FAILURE", "ERROR": "Unknown profile"}


def test_i52_anveo_sends_no_callbacks() -> None:
    """Its package has no provider, so no route."""
    assert "anveo" not in discover()
    assert not hasattr(receiver.providers.anveo, "PROVIDER")


def test_text_cannot_become_markup() -> None:
    """What is sent is well-formed, whatever it holds."""
    sent = body(**{**BUTTON, "title": '<b a="1">&'})
    assert '<PARAMETER NAME="BUTTONTITLE">&lt;b a="1"&gt;&amp;</PARAMETER>' in sent
    with pytest.raises(ParameterError, match="title: write text that matches"):
        body(**{**BUTTON, "title": "two\nlines"})
