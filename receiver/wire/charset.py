"""Bytes to text: by the declared charset, or by the bytes if the declaration is wrong (A-11)."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Some of Python's codecs are not character sets (zip, rot13), and utf-7 can hide markup: only these are used.
_KNOWN = re.compile(r"utf-(8|16|16-le|16-be|32|32-le|32-be)|ascii|iso8859-\d{1,2}|cp\d{3,4}|koi8-[ru]")
_WIDE = re.compile(r"utf-(16|32)")
_PLAIN_START = re.compile(rb"[<{\[][!-~]")
"""Two ASCII characters: the text has no byte order mark and is not UTF-16."""
_DECLARATION = re.compile(rb"\A\s*<\?xml[^>]{0,100}?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
LONGEST_NAME = 40
"""Characters in the name of a character set."""
HEBREW_FALLBACKS = ("windows-1255", "latin-1")
"""Tried in this order if the bytes do not fit: Hebrew Windows, then Latin-1, which accepts every byte."""


@dataclass(slots=True)
class Decoded:
    """Text, and a note for each deviation from the declaration."""

    text: str
    notes: tuple[str, ...] = ()


def decode(body: bytes, charset: str | None = None, fallbacks: tuple[str, ...] = HEBREW_FALLBACKS) -> Decoded:
    """Text of `body`: by its BOM, its XML declaration, the header's `charset`, or UTF-8; never fails.

    Bytes that do not fit are decoded with the first of `fallbacks` that accepts them, with a note; the last of these
    must accept every byte, as latin-1 does.
    """
    if not _PLAIN_START.match(body):
        for bom, encoding in _BOMS:
            if body.startswith(bom):
                return _decode_as(body[len(bom) :], encoding, fallbacks)
        if (wide := _wide_without_bom(body)) is not None:
            return _decode_as(body, wide, fallbacks)
    declared = _DECLARATION.match(body)
    return decode_field(body, declared[1].decode("ascii") if declared else charset, fallbacks)


def decode_field(field: bytes, name: str | None = None, fallbacks: tuple[str, ...] = HEBREW_FALLBACKS) -> Decoded:
    """Text of a part without a declaration of its own: by the charset's `name`, or UTF-8; never fails."""
    if name is None:
        return _decode_as(field, "utf-8", fallbacks)
    known = _codec(name) if len(name) <= LONGEST_NAME else None
    if known is None or _WIDE.match(known):
        # Wide encodings were detected from the bytes above: this declaration is wrong.
        decoded = _decode_as(field, "utf-8", fallbacks)
        return Decoded(decoded.text, (f"charset_ignored:{name[:LONGEST_NAME]}", *decoded.notes))
    if known != "utf-8" and not field.isascii() and (text := _as_utf8(field)) is not None:
        # Valid UTF-8 is taken as UTF-8, whatever is declared: text in a single-byte charset is hardly ever valid UTF-8.
        return Decoded(text, (f"charset_ignored:{name[:LONGEST_NAME]}",))
    return _decode_as(field, known, fallbacks)


def _as_utf8(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _decode_as(body: bytes, encoding: str, fallbacks: tuple[str, ...]) -> Decoded:
    try:
        return Decoded(body.decode(encoding))
    except UnicodeDecodeError:
        pass
    for fallback in fallbacks:
        try:
            return Decoded(body.decode(fallback), (f"charset:{fallback}",))
        except UnicodeDecodeError:
            continue
    raise AssertionError(f"the last of {fallbacks} must read every byte")


def _wide_without_bom(body: bytes) -> str | None:
    """UTF-16, detected by a zero byte beside the first ASCII character; else None."""
    if len(body) < 2 or len(body) % 2:
        return None
    if body[0] == 0 and body[1] in b"<{[ \r\n\t":
        return "utf-16-be"
    if body[1] == 0 and body[0] in b"<{[ \r\n\t":
        return "utf-16-le"
    return None


@lru_cache(maxsize=64)
def _codec(name: str) -> str | None:
    """Python's name of a supported character set, else None."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if _KNOWN.fullmatch(found) else None
