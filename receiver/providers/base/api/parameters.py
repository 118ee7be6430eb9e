"""Parameters of API calls: Python names and types, the document's limits, and their names on the wire."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SecretStr, StringConstraints
from pydantic import ValidationError as InvalidModelError
from pydantic.fields import FieldInfo

from receiver.providers.base.api.errors import ParameterError
from receiver.validation import what_to_write

MASK = "**********"
"""Stands where a secret would."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A parameter's name on the wire.

    A dot in `name` is an object within the object in JSON; only the last part counts elsewhere. `flat` is the name in
    forms and queries where that differs. A name that ends in `*` spreads a mapping over parameters with that prefix.
    `write` turns the value into what is sent.
    """

    name: str
    flat: str = ""
    write: Callable[[Any], Any] = lambda value: value

    @property
    def flat_name(self) -> str:
        """The name in forms and queries."""
        return self.flat or self.name.rsplit(".", 1)[-1]


class Parameters(BaseModel):
    """The parameters of one call. None is "not given": it is not sent, and the provider's default counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    def values(self) -> Iterator[tuple[Sent, Any]]:
        """What is sent: each parameter that was given, with its name on the wire."""
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if value is not None:
                sent = sent_as(info)
                yield sent, sent.write(value)


def sent_as(info: FieldInfo) -> Sent:
    """The wire name of a field."""
    return next(mark for mark in info.metadata if isinstance(mark, Sent))


def checked(model: type[Parameters], given: Mapping[str, Any], call: str) -> Parameters:
    """The parameters, checked. Raises ParameterError, which names each bad one and its limit, never a value."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except InvalidModelError as error:
        problems = dict.fromkeys(f"{call}: {_problem(item, model)}" for item in error.errors())
        raise ParameterError("\n".join(problems)) from None


_TYPES = ("timedelta", "time", "int", "str")
"""What pydantic adds to the place of a mistake where a parameter may have several types."""


def _problem(item: Any, model: type[Parameters]) -> str:
    first, *others = item["loc"] or ("",)
    inner = [str(part) for part in others if isinstance(part, int) or (part.isidentifier() and part not in _TYPES)]
    name = ".".join([str(first), *inner]) if first else ""
    if item["type"] == "missing":
        return f"{name} is missing"
    if item["type"] == "extra_forbidden":
        return f"there is no parameter {name}"
    message = what_to_write(item)
    if item["type"] == "string_pattern_mismatch" and first in model.model_fields:
        message += f" ({model.model_fields[first].description})"  # a pattern alone says little
    return f"{name}: {message}" if name else message


SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def counted_in(unit: timedelta) -> BeforeValidator:
    """A plain number, also one that was typed, counts as so many units."""

    def convert(value: object) -> object:
        if isinstance(value, str) and value.strip().isdecimal() and len(value) < 12:
            value = int(value)
        return value * unit if isinstance(value, int) and not isinstance(value, bool) else value

    return BeforeValidator(convert)


def within(unit: timedelta, least: int, most: int | None, limit: str) -> AfterValidator:
    """The duration is a whole number of units, at least `least` and at most `most` of them; `limit` says so."""

    def check(value: timedelta) -> timedelta:
        if value % unit or value < least * unit or (most is not None and value > most * unit):
            raise ValueError(f"must be {limit}")
        return value

    return AfterValidator(check)


Seconds = Annotated[
    timedelta | int, counted_in(SECOND), within(SECOND, 1, None, "a whole number of seconds, at least 1")
]
"""A duration; a plain number counts as seconds."""


def _secret(value: object) -> object:
    return SecretStr(value) if isinstance(value, str) else value


SecretText = Annotated[SecretStr | str, BeforeValidator(_secret)]
"""Text that is never shown."""
LINE = r"^[^\x00-\x1f\x7f]*$"
"""Text of one line."""
Text = Annotated[str, StringConstraints(min_length=1, pattern=LINE)]
"""Text of one line that is not empty."""


def _web_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", url):
        raise ValueError("must be an address such as https://www.example.com/picture.png")
    return url


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An address that begins with http:// or https://."""


def without_separators(value: object) -> object:
    """A number without blanks, hyphens, dots and brackets; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\s*\+?[0-9][0-9 ().-]*", value):
        return re.sub(r"[^0-9+]", "", value)
    return value


def as_seconds(value: timedelta) -> int:
    """Whole seconds."""
    return int(value.total_seconds())


def as_minutes(value: timedelta) -> int:
    """Whole minutes."""
    return int(value.total_seconds() // 60)


def as_digit(value: bool) -> int:
    """1 or 0."""
    return int(value)


def as_word(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def plain(value: Any, reveal: bool) -> Any:
    """A value as JSON has it; secrets masked unless they are to be revealed."""
    match value:
        case SecretStr():
            return value.get_secret_value() if reveal else MASK
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(item, reveal) for name, item in value.items()}
        case list() | tuple():
            return [plain(item, reveal) for item in value]
        case Parameters():
            return {sent.name: plain(item, reveal) for sent, item in value.values()}
    return value
