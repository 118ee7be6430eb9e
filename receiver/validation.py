"""Format validation errors as sentences that say what to write. They never quote a value: it may be a secret."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_TEXTS: Mapping[str, str] = {
    "missing": "it is missing, and has no default",
    "int": "write a whole number",
    "float": "write a number",
    "finite_number": "write a finite number",
    "bool": "write true or false",
    "string": "write text in quotes",
    "list": "write a list",
    "tuple": "write a list",
    "dict": "write a table",
    "model": "write a table",
    "greater_than": "write a number above {gt:g}",
    "greater_than_equal": "write {ge:g} or more",
    "less_than": "write a number below {lt:g}",
    "less_than_equal": "write {le:g} or less",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "string_too_short": "write at least {min_length} character(s)",
    "string_too_long": "write at most {max_length} characters",
    "string_pattern_mismatch": "write text that matches {pattern}",
    "too_short": "write at least {min_length} of them",
    "too_long": "write at most {max_length} of them",
    "datetime": "write a date and time such as 2026-01-31T08:00",
    "time_delta": "write a duration, such as a number of seconds",
    "value_error": "{error}",
}
"""By the type of pydantic's error, or by its first words."""


UNKNOWN_SETTING = "there is no such setting; docs/settings.md lists them all"


def sentences(error: ValidationError, where: str = "", *, unknown: str = UNKNOWN_SETTING) -> list[str]:
    """A sentence for each mistake: its place below `where`, and what to write there. `unknown` is for unknown names."""
    return list(dict.fromkeys(_sentence(item, where, unknown) for item in error.errors()))


def _sentence(item: Any, where: str, unknown: str) -> str:
    # A union adds the validator that it tried to the place: "lax-or-strict[…]".
    parts = [str(part) for part in item["loc"] if "[" not in str(part)]
    says = unknown if item["type"] == "extra_forbidden" else what_to_write(item)
    return f"{'.'.join([*([where] if where else []), *parts])}: {says}"


def what_to_write(item: Any) -> str:
    """What to write in place of one mistake, an element of pydantic's `errors()`."""
    words = item["type"].split("_")
    text = _TEXTS.get(item["type"]) or _TEXTS.get("_".join(words[:2])) or _TEXTS.get(words[0])
    return text.format(**item.get("ctx", {})) if text else str(item["msg"])
