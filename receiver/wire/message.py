"""The result of reading a body: plain values, their format, and the repairs."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""str, int, float, bool, None, bytes, datetime, and lists and dicts of them, nested at most MAX_DEPTH deep."""

MAX_DEPTH = 32
"""How deep values may nest. Real callbacks nest four deep; a parser's recursion fails near 1,000."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Limits on the content of a body; the settings of similar names explain them."""

    depth: int = MAX_DEPTH
    """How deep lists and structs may nest."""
    elements: int = 200_000
    """XML elements, or JSON values."""
    text_chars: int = 16 * 1024 * 1024
    """Characters in one XML element."""
    form_fields: int = 1_000
    """Fields of a form, or parts of a multipart form."""


DEFAULT_LIMITS = BodyLimits()
"""The limits where no others are given."""


class Format(StrEnum):
    """The formats of a callback, detected from its bytes."""

    XMLRPC = "xmlrpc"
    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    QUERY = "query"


@dataclass(slots=True)
class Message:
    """The content of a body.

    `values` is its content: a dict for a JSON object, a form or an XML-RPC struct.
    `method` is XML-RPC's methodName, empty in the other formats.
    `notes` names each repair, such as "lenient_json" (A-19) or "charset:windows-1255" (A-11).
    """

    format: Format
    values: Value
    method: str = ""
    notes: tuple[str, ...] = ()


MOST_NOTES = 50
"""Notes of repeated names in one request; a sender can repeat a hundred thousand."""


def notes_of_repeated(names: Iterable[str]) -> tuple[str, ...]:
    """The notes for names that were given twice with different values, each name once."""
    return tuple(f"repeated:{name[:40]}" for name in islice(dict.fromkeys(names), MOST_NOTES))


def nests_too_deep(value: Value, limit: int = MAX_DEPTH) -> bool:
    """Whether lists and dicts nest more than `limit` levels deep."""
    if not isinstance(value, dict | list):
        return False
    if limit == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(nests_too_deep(item, limit - 1) for item in inner if isinstance(item, dict | list))
