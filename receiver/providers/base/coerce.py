"""Coerce single values as providers send them: numbers as strings, blanks around, wrong types.

Each function takes a value from the wire and returns it as its type. It raises ValueError if it cannot; the caller then
keeps the raw value (A-15 to A-18).
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from receiver.wire.jsonbody import holds_more_than
from receiver.wire.message import DEFAULT_LIMITS, nests_too_deep

BLANK = (None, "")


def text(value: object) -> str:
    """Text without the blanks around it; numbers become their digits, so that phone numbers stay strings (A-17)."""
    match value:
        case str():
            return value.strip()
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.isoformat()
    raise ValueError(f"no text: {type(value).__name__}")


def identifier(value: object) -> str:
    """A call id: opaque, of any length, compared exactly. White space inside it is removed (C-05, B-06)."""
    return "".join(text(value).split())


def url(value: object) -> str:
    """A link without line breaks and tabs; hyphens are kept (B-24)."""
    return text(value).translate(_LINE_BREAKS)


_LINE_BREAKS = dict.fromkeys(map(ord, "\r\n\t"))


def integer(value: object) -> int | None:
    """A whole number of at most 64 bits, also from a string of digits or an integral float; blank is None."""
    if isinstance(value, str):
        value = value.strip()
    if value in BLANK:
        return None
    match value:
        case bool():
            number = int(value)
        case int():
            number = value
        case float() if value.is_integer():
            number = int(value)
        case str() if len(value) <= 40:
            number = _from_digits(value)
        case _:
            raise ValueError("no whole number")
    if not -(2**63) <= number < 2**63:
        raise ValueError("wider than 64 bits")
    return number


_DIGITS = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
"""Python's own conversions also accept underscores between digits, and the digits of other scripts."""


def _from_digits(value: str) -> int:
    digits = value.replace(" ", "")
    if _DIGITS.fullmatch(digits):
        return int(digits)
    if not _NUMBER.fullmatch(value):
        raise ValueError("no whole number")
    as_float = float(value)  # "12.0": integral, though written as a fraction
    if not as_float.is_integer():
        raise ValueError("no whole number")
    return int(as_float)


def identifier_number(value: object) -> int | None:
    """A number that names something, where 0, blank and null all mean "none" (B-21)."""
    return integer(value) or None


def amount(value: object) -> Decimal | None:
    """An exact number with or without a fraction; blank is None (B-22, G-09)."""
    if isinstance(value, str):
        value = value.strip()
    if value in BLANK:
        return None
    if not isinstance(value, int | float | str | Decimal) or isinstance(value, bool) or len(str(value)) > 40:
        raise ValueError("no amount")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("no amount")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("no amount") from error
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError("no amount")
    return number


def flag(value: object) -> bool | None:
    """Yes or no, from 0/1, true/false or yes/no; blank is None."""
    word = text(value).lower()
    if word in {"", "null"}:
        return None
    if word in {"1", "true", "yes"}:
        return True
    if word in {"0", "false", "no"}:
        return False
    raise ValueError("neither yes nor no")


def structure(value: object) -> Any:
    """An object or a list, also when it comes as a JSON string inside the JSON; None when blank."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if holds_more_than(DEFAULT_LIMITS.elements, value):
            raise ValueError("too many values")
        try:
            value = json.loads(value)
        except RecursionError as error:
            raise ValueError("nests too deep") from error
    if value is None or isinstance(value, dict | list):
        if nests_too_deep(value):
            raise ValueError("nests too deep")
        return value
    raise ValueError("neither an object nor a list")


def objects(value: object) -> list[dict[str, Any]]:
    """A list of objects, also from a JSON string; a single object counts as a list of one."""
    items = _as_list(structure(value))
    if not all(isinstance(item, dict) for item in items):
        raise ValueError("not a list of objects")
    return items


def pairs(value: object) -> dict[str, str]:
    """Custom data in any shape: object, list of objects, list of pairs, JSON string, null (E-09).

    A pair is `[key, value]`, `{"key": key, "value": value}` or `{"name": key, "value": value}`. Values are kept
    verbatim. Keys are trimmed, unless two would collide (E-12). Raises ValueError if one key has two values: only one
    of them could be kept.
    """
    items: list[tuple[object, object]] = []
    read = structure(value)
    for entry in _as_list(read):
        match entry:
            case dict() if isinstance(read, list) and (pair := _pair_in(entry)):
                items.append(pair)
            case dict():
                items.extend(entry.items())
            case [key, item]:
                items.append((key, item))
            case _:
                raise ValueError("not a list of pairs")
    exact: dict[str, str] = {}
    for key, item in items:
        verbatim = item if isinstance(item, str) else _as_text(item)
        if exact.setdefault(str(key), verbatim) != verbatim:
            raise ValueError("one key has two values")
    trimmed = {key.strip(): item for key, item in exact.items()}
    return trimmed if len(trimmed) == len(exact) else exact


def _pair_in(entry: Mapping[Any, Any]) -> tuple[object, object] | None:
    """The pair that an object of two fields is; None for any other object."""
    fields = {str(name).lower(): item for name, item in entry.items()}
    key = next((name for name in ("key", "name") if fields.keys() == {name, "value"}), None)
    return None if key is None or len(entry) != len(fields) else (fields[key], fields["value"])


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, dict) else list(value or ())


def _as_text(value: object) -> str:
    try:
        return text(value)
    except ValueError:
        return json.dumps(value, ensure_ascii=False, default=str)
