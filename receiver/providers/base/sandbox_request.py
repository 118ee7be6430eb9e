"""Requests to a provider's API as the sandbox reads them, and its replies."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from receiver.errors import WireError
from receiver.wire import Format, detect_format, read

MAX_FIELDS = 1_000
"""Fields of a query or a form."""
_SPARE_BRACES = re.compile(r"\}\s*\}\s*$")


class Parameters:
    """The parameters of an API request, from its query and its body. Names are compared without regard to case."""

    def __init__(self, pairs: Sequence[tuple[str, Any]], items: Sequence[Any] = ()) -> None:
        self._values: dict[str, list[Any]] = {}
        for name, value in pairs:
            self._values.setdefault(name.strip().lower(), []).append(value)
        self.pairs = tuple(pairs)
        """Names and values as sent."""
        self.items = tuple(items)
        """The elements of a body that is a JSON array."""

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def value(self, name: str) -> Any:
        """A value as sent, the last one where there are several; None where there is none."""
        found = self._values.get(name.lower())
        return found[-1] if found else None

    def text(self, name: str) -> str:
        """A value as text, without blanks around it; empty where there is none."""
        return as_text(self.value(name))

    def texts(self, *names: str) -> list[str]:
        """All values of these names as text; a JSON array counts as several."""
        found: list[str] = []
        for name in names:
            for value in self._values.get(name.lower(), []):
                found += map(as_text, value if isinstance(value, list) else [value])
        return [text for text in found if text]

    def custom(self, prefix: str = "var_") -> dict[str, Any]:
        """Parameters whose names begin with the prefix, by their names as sent."""
        return {name.strip(): value for name, value in self.pairs if name.strip().lower().startswith(prefix)}


def as_text(value: Any) -> str:
    """A value as text, without blanks around it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


@dataclass(frozen=True)
class ApiRequest:
    """One request to a provider's API. `path` is below the provider's own path, such as /hub/cdr/."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    peer: str = "127.0.0.1"
    """The address that the request came from."""
    callbacks: str = ""
    """What is to become of the callbacks of the calls that it places: drop, repeat, late, reorder, or empty."""

    @property
    def place(self) -> str:
        """The path as it is compared: in lower case, without a slash at its end (I-03, I-26)."""
        return self.path.lower().rstrip("/")

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON, by its first character."""
        return bool(self.body.strip()) and detect_format(self.body) is Format.JSON

    @cached_property
    def parameters(self) -> Parameters:
        """Query and body together. Raises WireError where the body cannot be read."""
        query = _pairs(self.query)
        if not self.body.strip():
            return Parameters(query)
        if not self.is_json:
            return Parameters([*query, *_pairs(self.body.decode("utf-8", "replace"))])
        content = _read_json(self.body)
        if isinstance(content, list):
            return Parameters(query, content)
        return Parameters([*query, *content.items()] if isinstance(content, dict) else query)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise WireError(f"the request has more than {MAX_FIELDS} fields") from error


def _read_json(body: bytes) -> Any:
    """JSON as the documents print it: with missing commas, and once with a brace too many (I-20)."""
    try:
        return read(body).values
    except WireError:
        text = body.decode("utf-8", "replace")
        if not _SPARE_BRACES.search(text):
            raise
        return read(_SPARE_BRACES.sub("}", text).encode()).values


@dataclass(frozen=True, slots=True)
class ApiReply:
    """What a provider's API answers."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def json_reply(values: Any) -> ApiReply:
    """Strict JSON."""
    return ApiReply(json.dumps(values, ensure_ascii=False, indent=2).encode(), "application/json; charset=utf-8")
