"""One hostile input, and what must become of it."""

from dataclasses import dataclass, field
from typing import Any


class Outcome:
    """What stands in place of values where there are none to expect."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


REFUSED = Outcome("REFUSED")
"""WireError: the sender gets the documented parse error, and the bytes are kept."""
EITHER = Outcome("EITHER")
"""Read or refused, as limits and parsers have it; what counts is that nothing else happens."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A body, the Content-Type it comes with, and the values that it reads to, else REFUSED or EITHER."""

    name: str
    body: bytes = field(repr=False)
    expected: Any = REFUSED
    content_type: str = ""


CALLER = {"ivruniqueid": "0540000000"}
"""Every input that can be read holds it, where its format has fields, and so is a CDR."""


def with_note(note: Any) -> dict[str, Any]:
    """A CDR's values, the last of them the one that an input is about."""
    return {**CALLER, "note": note}
