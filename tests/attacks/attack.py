"""One hostile input and its expected result."""

from dataclasses import dataclass, field
from typing import Any


class Outcome:
    """A marker that replaces expected values."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


REFUSED = Outcome("REFUSED")
"""WireError: the sender gets the documented parse error, and the bytes are stored."""
EITHER = Outcome("EITHER")
"""Read or rejected, depending on limits and parsers; nothing else may happen."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A body, its Content-Type, and the expected values, or REFUSED or EITHER."""

    name: str
    body: bytes = field(repr=False)
    expected: Any = REFUSED
    content_type: str = ""


CALLER = {"ivruniqueid": "0540000000"}
"""Every readable input of a format with fields contains this field, so that it is a CDR."""


def with_note(note: Any) -> dict[str, Any]:
    """The values of a CDR; the last one is what the input is about."""
    return {**CALLER, "note": note}
