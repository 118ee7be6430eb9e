"""Anveo's CLICK2CALL.BUTTON.CREATE against its document: the example, limits, and errors of our making."""

import xml.etree.ElementTree as ET

import pytest

from tests.sandbox.playing import Playing, playing

EXAMPLE = """<?xml version="1.0" standalone="no" ?>
<REQUEST>
	<USERTOKEN>
		<USERKEY>df141891e2e883904b0b294dc5bq79c1c1c13f6d</USERKEY>
	</USERTOKEN>
	<ACTION NAME="CLICK2CALL.BUTTON.CREATE">
		<PARAMETER NAME="ID">ID1232123</PARAMETER>
		<PARAMETER NAME="PROFILEID">PROFILEID123</PARAMETER>
		<PARAMETER NAME="BUTTONIMAGEURL">http://www.someserver.com/c2c.png</PARAMETER>
		<PARAMETER NAME="COLORSTYLENAME">12</PARAMETER>
		<PARAMETER NAME="BUTTONTITLE">CallME</PARAMETER>
		<PARAMETER NAME="CONFIGURATION">SIMPLE</PARAMETER>
		<PARAMETER NAME="HOUR24FROM">9</PARAMETER>
		<PARAMETER NAME="HOUR24TO">18</PARAMETER>
		<PARAMETER NAME="OFFHOURSMESSAGE">Sorry, I am not available.</PARAMETER>
		<PARAMETER NAME="PHONENUMBER">123456789</PARAMETER>
		<PARAMETER NAME="ASKCONFIRMATION">1</PARAMETER>
	</ACTION>
</REQUEST>
"""
SUCCESS = '<?xml version="1.0" standalone="no" ?>\n<RESPONSE>\n\t<RESULT>SUCCESS</RESULT>\n</RESPONSE>\n'
CALLFLOW = (
    EXAMPLE.replace(">SIMPLE<", ">CALLFLOW<")
    .replace("PHONENUMBER", "CALLFLOW")
    .replace('<PARAMETER NAME="ASKCONFIRMATION">1</PARAMETER>', "")
)
VARIABLES = """<PARAMETER NAME="VARIABLE" VARIABLENAME="ACCOUNTID">8732123</PARAMETER>
<PARAMETER NAME="VARIABLE" VARIABLENAME="VERIFICATIONCODE">1453</PARAMETER>
</ACTION>"""


async def send(play: Playing, body: str, path: str = "/anveo") -> str:
    """The reply."""
    reply = await play.client.post(path, content=body, headers={"Content-Type": "text/xml"})
    assert reply.status_code == 200
    return reply.text


def with_value(name: str, value: str) -> str:
    """The example with another value of a parameter; without the parameter where it is empty."""
    found = ET.fromstring(EXAMPLE)
    action = found.find("ACTION")
    assert action is not None
    for parameter in action.findall("PARAMETER"):
        if parameter.get("NAME") == name:
            parameter.text = value
            if not value:
                action.remove(parameter)
    return ET.tostring(found, encoding="unicode")


@pytest.mark.parametrize("path", ["/anveo", "/anveo/", "/anveo/api/v1.asp"])
async def test_i46_the_example_creates_a_button_at_any_path(path: str) -> None:
    """The document has no address; the reply is its example byte for byte."""
    async with playing() as play:
        assert await send(play, EXAMPLE, path) == SUCCESS


async def test_an_id_is_unique() -> None:
    """The same request again is an error."""
    async with playing() as play:
        assert await send(play, EXAMPLE) == SUCCESS
        assert "<ERROR>ID is not unique</ERROR>" in await send(play, EXAMPLE)


async def test_a_call_flow_takes_variables() -> None:
    """I-50: as the text shows them."""
    async with playing() as play:
        assert await send(play, CALLFLOW.replace("</ACTION>", VARIABLES)) == SUCCESS
        assert "VARIABLE goes with" in await send(play, EXAMPLE.replace("</ACTION>", VARIABLES))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        *((name, "", f"{name} is required") for name in ("ID", "PROFILEID", "BUTTONIMAGEURL", "OFFHOURSMESSAGE")),
        ("PHONENUMBER", "", "PHONENUMBER is required"),
        ("ASKCONFIRMATION", "", "ASKCONFIRMATION is required"),
        ("CONFIGURATION", "COMPLEX", "CONFIGURATION is not"),
        ("ID", "x" * 129, "ID is longer than 128"),
        ("BUTTONIMAGEURL", "x" * 513, "longer than 512"),
        ("BUTTONTITLE", "x" * 33, "longer than 32"),
        ("COLORSTYLENAME", "14", "from 1 to 13"),
        ("HOUR24FROM", "25", "from 0 to 24"),
        ("PHONENUMBER", "home", "no phone number"),
        ("PHONENUMBER", "12157010680.", ""),
        ("BUTTONTITLE", "", ""),
    ],
)
async def test_limits_of_the_document_are_kept(name: str, value: str, problem: str) -> None:
    """I-48: the dot behind a number is the document's own. I-51: what an error looks like is our choice."""
    async with playing() as play:
        reply = await send(play, with_value(name, value))
        assert (problem in reply and "<RESULT>ERROR</RESULT>" in reply) if problem else reply == SUCCESS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no XML",
        '<!DOCTYPE x [<!ENTITY e "x">]><REQUEST>&e;</REQUEST>',
        EXAMPLE.replace("BUTTON.CREATE", "BUTTON.DELETE"),
        EXAMPLE.replace("df141891e2e883904b0b294dc5bq79c1c1c13f6d", ""),
    ],
)
async def test_other_requests_are_errors(body: str) -> None:
    """No XML, another action, no key."""
    async with playing() as play:
        assert "<RESULT>ERROR</RESULT>" in await send(play, body)


async def test_only_keys_and_profiles_of_the_settings_are_accepted_if_there_are_any() -> None:
    """Else any are."""
    async with playing(providers={"anveo": {"keys": ["mine"]}}) as play:
        assert "USERKEY" in await send(play, EXAMPLE)
    async with playing(providers={"anveo": {"profiles": ["mine"]}}) as play:
        assert "PROFILEID does not exist" in await send(play, EXAMPLE)
        assert await send(play, with_value("PROFILEID", "mine")) == SUCCESS
