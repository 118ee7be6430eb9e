"""Anveo's API: a button is created by a request in XML (004). The document has no URL: any path below does (I-46)."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import Field

from receiver.providers.base.sandbox import Exchange, Operation, SandboxApi, SandboxOptions
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest

ACTION = "CLICK2CALL.BUTTON.CREATE"
LENGTHS = {"ID": 128, "PROFILEID": 128, "BUTTONIMAGEURL": 512, "BUTTONTITLE": 32}
"""Longest values, in characters (004:11-28)."""
REQUIRED = (
    "ID",
    "PROFILEID",
    "BUTTONIMAGEURL",
    "COLORSTYLENAME",
    "HOUR24FROM",
    "HOUR24TO",
    "OFFHOURSMESSAGE",
    "CONFIGURATION",
)
CONFIGURATIONS: Mapping[str, tuple[str, ...]] = {
    "SIMPLE": ("PHONENUMBER", "ASKCONFIRMATION"),
    "CALLFLOW": ("CALLFLOW",),
}
"""What is required beside, by CONFIGURATION (004:43-64)."""
RANGES = {"COLORSTYLENAME": (1, 13), "HOUR24FROM": (0, 24), "HOUR24TO": (0, 24), "ASKCONFIRMATION": (0, 1)}
REPEATED = ("ALLOWCOUNTRY", "VARIABLE")
DEFAULT_TITLE = "Call Me"


class AnveoSandboxOptions(SandboxOptions):
    """The table `[providers.anveo]`."""

    keys: list[str] = Field(default_factory=list)
    """User keys that are accepted; empty: any."""
    profiles: list[str] = Field(default_factory=list)
    """Profiles that exist; empty: any."""


class _RefusedError(Exception):
    """What is wrong with a request."""


class AnveoSandbox(SandboxApi):
    """Anveo's part of the sandbox. Errors are undocumented (I-51): RESULT is ERROR, and ERROR says what is wrong."""

    name = "anveo"
    title = "Anveo"
    options_type = AnveoSandboxOptions
    operations = (Operation("click2call.button.create", "POST", ""),)

    def __init__(self, exchange: Exchange, options: AnveoSandboxOptions) -> None:
        super().__init__(exchange, options)
        self.buttons: dict[str, dict[str, str]] = {}
        """The buttons by their IDs."""

    def operation(self, request: ApiRequest) -> str:
        """There is one."""
        return "click2call.button.create"

    def answer(self, request: ApiRequest) -> ApiReply:
        """Create the button."""
        try:
            self._create(_values(request.body, self.options.keys))
        except _RefusedError as refused:
            return self.error(request, str(refused))
        return _reply("<RESULT>SUCCESS</RESULT>")

    def error(self, request: ApiRequest, code: str) -> ApiReply:
        """An error with any text."""
        return _reply(f"<RESULT>ERROR</RESULT>\n\t<ERROR>{escape(code)}</ERROR>")

    def unreadable(self, request: ApiRequest) -> ApiReply:
        """The request is no XML."""
        return self.error(request, "the request is not readable")

    def _create(self, values: dict[str, str]) -> None:
        _check(values)
        if values["ID"] in self.buttons:
            raise _RefusedError("ID is not unique")
        if self.options.profiles and values["PROFILEID"] not in self.options.profiles:
            raise _RefusedError("PROFILEID does not exist")
        self.buttons[values["ID"]] = {"BUTTONTITLE": DEFAULT_TITLE, **values}


def _values(body: bytes, keys: list[str]) -> dict[str, str]:
    """The parameters of the action, those that may be repeated joined by commas."""
    try:
        root = fromstring(body)
    except (ET.ParseError, DefusedXmlException, ValueError) as error:
        raise _RefusedError(f"the request is no XML: {error}") from error
    key = (root.findtext("USERTOKEN/USERKEY") or "").strip()
    if root.tag != "REQUEST" or not key or (keys and key not in keys):
        raise _RefusedError("USERKEY is missing or wrong")
    action = root.find("ACTION")
    if action is None or action.get("NAME") != ACTION:
        raise _RefusedError("the ACTION is unknown")
    values: dict[str, str] = {}
    for parameter in action.findall("PARAMETER"):
        name, text = parameter.get("NAME", ""), (parameter.text or "").strip()
        if name == "VARIABLE":
            if not parameter.get("VARIABLENAME"):
                raise _RefusedError("VARIABLE needs the attribute VARIABLENAME")
            text = f"{parameter.get('VARIABLENAME')}={text}"
        values[name] = f"{values[name]},{text}" if name in REPEATED and name in values else text
    return values


def _check(values: Mapping[str, str]) -> None:
    """Raise what breaks a limit of the document."""
    kind = values.get("CONFIGURATION", "")
    for name in (*REQUIRED, *CONFIGURATIONS.get(kind, ())):
        if not values.get(name):
            raise _RefusedError(f"{name} is required")
    if kind not in CONFIGURATIONS:
        raise _RefusedError("CONFIGURATION is not SIMPLE or CALLFLOW")
    for name, most in LENGTHS.items():
        if len(values.get(name, "")) > most:
            raise _RefusedError(f"{name} is longer than {most} characters")
    for name, (least, greatest) in RANGES.items():
        text = values.get(name, str(least))
        if not text.isdigit() or not least <= int(text) <= greatest:
            raise _RefusedError(f"{name} is not a number from {least} to {greatest}")
    if kind == "SIMPLE" and not values["PHONENUMBER"].rstrip(".").isdigit():  # the example ends with a dot (I-48)
        raise _RefusedError("PHONENUMBER is no phone number")
    if "VARIABLE" in values and kind != "CALLFLOW":
        raise _RefusedError("VARIABLE goes with CONFIGURATION CALLFLOW")


def _reply(content: str) -> ApiReply:
    """As the document's example (004:96-99)."""
    body = f'<?xml version="1.0" standalone="no" ?>\n<RESPONSE>\n\t{content}\n</RESPONSE>\n'
    return ApiReply(body.encode(), "text/xml")
