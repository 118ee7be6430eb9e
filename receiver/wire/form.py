"""Forms: urlencoded bodies, query strings and multipart/form-data."""

import re
from collections.abc import Iterable
from typing import Any, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from receiver.errors import WireError
from receiver.wire.charset import HEBREW_FALLBACKS, decode_field
from receiver.wire.message import DEFAULT_LIMITS

_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")

Fields = dict[str, str]


def read_urlencoded(
    body: bytes,
    charset: str | None = None,
    fallbacks: tuple[str, ...] = HEBREW_FALLBACKS,
    max_fields: int = DEFAULT_LIMITS.form_fields,
) -> tuple[Fields, tuple[str, ...]]:
    """The fields of an urlencoded body or query string; a name given twice keeps its last value. Raises WireError."""
    pieces = body.strip().split(b"&", max_fields)
    if len(pieces) > max_fields:
        raise WireError(f"the form has more than {max_fields} fields")
    halves = (piece.partition(b"=") for piece in pieces if piece)
    return _collect(((_unquote(name), _unquote(value)) for name, _, value in halves), charset, fallbacks)


def _unquote(text: bytes) -> bytes:
    """Bytes without their escapes. `urllib` makes an object of every "%", two hundred times the size of the text."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.replace(b"+", b" "))


def read_multipart(
    body: bytes,
    content_type: str,
    fallbacks: tuple[str, ...] = HEBREW_FALLBACKS,
    max_fields: int = DEFAULT_LIMITS.form_fields,
) -> tuple[Fields, tuple[str, ...]]:
    """The fields of a multipart body; a part that carries a file counts as a field. Raises WireError."""
    _, parameters = parse_options_header(content_type.encode("latin-1", "replace"))
    boundary = parameters.get(b"boundary", b"")
    if not boundary or b"--" + boundary not in body:
        boundary = _first_line_boundary(body)  # the header may be wrong; the body's first line is not
    if not boundary:
        raise WireError("the multipart form names no boundary")
    parts = _Parts(max_fields)
    try:
        parser = MultipartParser(boundary, cast("Any", parts.callbacks()))
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise WireError(f"the multipart form is broken: {error}") from error
    if not parts.ended:
        raise WireError("the multipart form ends before its last boundary")
    return _collect(parts.pairs, None, fallbacks)


def _collect(
    pairs: Iterable[tuple[bytes, bytes]], charset: str | None, fallbacks: tuple[str, ...]
) -> tuple[Fields, tuple[str, ...]]:
    fields: Fields = {}
    notes: dict[str, None] = {}
    for name, value in pairs:
        key, text = decode_field(name, charset, fallbacks), decode_field(value, charset, fallbacks)
        notes.update(dict.fromkeys(key.notes + text.notes))
        if key.text in fields and fields[key.text] != text.text:
            notes[f"repeated:{key.text[:40]}"] = None
        fields[key.text] = text.text
    return fields, tuple(notes)


def _first_line_boundary(body: bytes) -> bytes:
    line = body.lstrip().split(b"\n", 1)[0].strip()
    return line[2:] if line.startswith(b"--") and len(line) > 2 else b""


class _Parts:
    """Collects names and contents from the push parser's callbacks."""

    def __init__(self, max_fields: int) -> None:
        self._max_fields = max_fields
        self.pairs: list[tuple[bytes, bytes]] = []
        self.ended = False
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._content = bytearray()

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": lambda data, start, end: self._content.extend(data[start:end]),
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.pairs) >= self._max_fields:
            raise WireError(f"the form has more than {self._max_fields} fields")
        self._disposition, self._content = b"", bytearray()
        self._header = (bytearray(), bytearray())

    def _header_end(self) -> None:
        name, value = self._header
        if bytes(name).strip().lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _part_end(self) -> None:
        _, parameters = parse_options_header(self._disposition)
        name = parameters.get(b"name")
        if name is None:
            raise WireError("a part of the multipart form has no name")
        self.pairs.append((name, bytes(self._content)))

    def _end(self) -> None:
        self.ended = True
