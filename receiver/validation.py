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
    "value_error": "{error}",
}
"""By the type of pydantic's error, or by the part before its first underscore."""


UNKNOWN_SETTING = "there is no such setting; docs/settings.md lists them all"


def sentences(error: ValidationError, where: str = "", *, unknown: str = UNKNOWN_SETTING) -> list[str]:
    """A sentence for each mistake: its place below `where`, and what to write there. `unknown` is for unknown names."""
    return list(dict.fromkeys(_sentence(item, where, unknown) for item in error.errors()))


def _sentence(item: Any, where: str, unknown: str) -> str:
    # A union adds the validator that it tried to the place: "lax-or-strict[…]".
    parts = [str(part) for part in item["loc"] if "[" not in str(part)]
    known = {**_TEXTS, "extra_forbidden": unknown}
    text = known.get(item["type"]) or known.get(item["type"].split("_")[0])
    says = text.format(**item.get("ctx", {})) if text else item["msg"]
    return f"{'.'.join([*([where] if where else []), *parts])}: {says}"
