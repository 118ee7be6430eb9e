"""Anveo's action CLICK2CALL.BUTTON.CREATE."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from receiver.providers.base.api.definition import ApiCall, Encoding
from receiver.providers.base.api.parameters import LINE, Parameters, Sent, WebAddress, as_digit, without_separators
from receiver.providers.base.event import Text, WireModel


class Configuration(StrEnum):
    """Where a button's calls go."""

    SIMPLE = "SIMPLE"
    """To a phone number."""
    CALLFLOW = "CALLFLOW"
    """Into a call flow."""


def _text(longest: int) -> Any:
    return Field(min_length=1, max_length=longest, pattern=LINE)


def _without_plus(value: object) -> object:
    plain = without_separators(value)
    return plain.removeprefix("+") if isinstance(plain, str) else plain


Hour = Annotated[int, Field(ge=0, le=24)]
Line = Annotated[str, Field(min_length=1, pattern=LINE)]
VariableName = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9_]+$")]


class CreateButtonParameters(Parameters):
    """A new button."""

    button_id: Annotated[str, _text(128), Sent("ID")]
    """Id of the new button: unique, at most 128 characters."""
    profile_id: Annotated[str, _text(128), Sent("PROFILEID")]
    """Id of an existing profile, at most 128 characters."""
    image_url: Annotated[WebAddress, Field(max_length=512), Sent("BUTTONIMAGEURL")]
    """Picture of the button in small mode, at most 512 characters."""
    color_style: Annotated[int, Field(ge=1, le=13), Sent("COLORSTYLENAME")]
    """Colour theme, 1 to 13 (I-49)."""
    title: Annotated[str | None, Field(min_length=1, max_length=32, pattern=LINE), Sent("BUTTONTITLE")] = None
    """Text on the button, at most 32 characters; the provider's default is "Call Me"."""
    configuration: Annotated[Configuration, Sent("CONFIGURATION")]
    """Whether calls go to a number or into a call flow (I-48)."""
    hour_from: Annotated[Hour, Sent("HOUR24FROM")]
    """First hour of the day in which calls may be placed, 0 to 24."""
    hour_to: Annotated[Hour, Sent("HOUR24TO")]
    """Last hour of the day in which calls may be placed, 0 to 24."""
    off_hours_message: Annotated[Line, Sent("OFFHOURSMESSAGE")]
    """Shown at other hours: text, though the document describes an hour (I-47)."""
    phone_number: Annotated[
        str | None, BeforeValidator(_without_plus), Field(pattern=r"^[0-9]{4,20}$"), Sent("PHONENUMBER")
    ] = None
    """SIMPLE only, and needed there: country code, area code and number (I-48)."""
    ask_confirmation: Annotated[bool | None, Sent("ASKCONFIRMATION", write=as_digit)] = None
    """SIMPLE only, and needed there: whether the called side must confirm each call."""
    allow_countries: Annotated[list[Line] | None, Sent("ALLOWCOUNTRY")] = None
    """Countries that callers may be in, such as USA; the document's list of them is missing (I-49)."""
    call_flow: Annotated[str | None, Field(min_length=1, pattern=LINE), Sent("CALLFLOW")] = None
    """CALLFLOW only, and needed there: API key of the call flow."""
    variables: Annotated[dict[VariableName, str] | None, Sent("VARIABLE")] = None
    """CALLFLOW only: variables of the call flow by name (I-50)."""

    @model_validator(mode="after")
    def _fits_configuration(self) -> Self:
        simple = {"phone_number": self.phone_number, "ask_confirmation": self.ask_confirmation}
        flow = {"call_flow": self.call_flow}
        is_simple = self.configuration is Configuration.SIMPLE
        _check(simple if is_simple else flow, lambda value: value is None, "is missing", self.configuration)
        others = flow | {"variables": self.variables} if is_simple else simple
        _check(others, lambda value: value is not None, "is not allowed", self.configuration)
        return self


def _check(values: dict[str, Any], is_wrong: Callable[[Any], bool], what: str, configuration: Configuration) -> None:
    if wrong := [name for name, value in values.items() if is_wrong(value)]:
        raise ValueError(f"{' and '.join(wrong)} {what} with configuration {configuration}")


class CreatedButton(WireModel):
    """The button was created."""

    result: Text = ""
    """SUCCESS: anything else is raised as an error."""


CALLS: tuple[ApiCall[Any], ...] = (
    ApiCall(
        group="buttons",
        name="create",
        command="create-button",
        documented="CLICK2CALL.BUTTON.CREATE",
        source="API request",
        summary="Create a click-to-call button.",
        url="",
        parameters=CreateButtonParameters,
        result=CreatedButton,
        encodings=(Encoding.XML,),
    ),
)
