"""The plain call: one struct of scalars, as nearly every provider's callback is, read without an XML parser.

Only what is plain to the letter counts: the tags as the specification writes them, no attribute, comment or section,
no reference but the five that XML predefines. Such a text can declare nothing and is well-formed by its shape.
All else is left to the guarded parser, which reads these texts too, five times slower and with the same result.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import unescape

from receiver.wire.message import Limits

MAX_CHARS = 64 * 1024
"""Longer texts go to the parser, which stops at the first thing it does not like."""

_GAP = r"[ \t\r\n]*+"
# Neither markup, nor what XML forbids, nor "\r", which XML would turn into "\n".
_RUN = r"[^<>&\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]*+"
_TEXT = rf"{_RUN}(?:&(?:amp|lt|gt|quot|apos);{_RUN})*+"


def _spaced(*parts: str) -> str:
    return _GAP.join(parts)


_DECLARATION = r"""(?:<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"[A-Za-z][\w.-]*+"|'[A-Za-z][\w.-]*+'))? ?\?>)?"""
_HEAD = re.compile(
    _spaced(
        _DECLARATION, "<methodCall>", "<methodName>", r"([\w.:/-]++)", "</methodName>",
        "<params>", "<param>", "<value>", "<struct>", "",
    ),
    re.ASCII,
)  # fmt: skip
_VALUE = rf"<value>(?:{_GAP}<(string|int|i4|i8|double|boolean)>({_TEXT})</\2>{_GAP}|({_TEXT}))</value>"
_MEMBER = re.compile(_spaced("<member>", rf"<name>({_TEXT})</name>", _VALUE, "</member>", "") + "|(.)", re.DOTALL)
_TAIL = re.compile(_spaced("</struct>", "</value>", "</param>", "</params>", "</methodCall>", r"\Z"))
_ENTITIES = {"&quot;": '"', "&apos;": "'"}


@dataclass(frozen=True, slots=True)
class PlainCall:
    """The method and each member's name, type and text; an untyped value is a string."""

    method: str
    members: list[tuple[str, str, str]]


def read(text: str, limits: Limits) -> PlainCall | None:
    """The call in `text` if it is plain and far from every limit; None leaves it to the parser."""
    if len(text) > min(MAX_CHARS, limits.text_chars, limits.elements):
        return None
    head = _HEAD.match(text)
    end = text.rfind("</struct>")
    if head is None or end < 0 or _TAIL.match(text, end) is None:
        return None
    members = []
    for name, type_, typed, untyped, other in _MEMBER.findall(text, head.end(), end):
        if other:
            return None
        members.append((name, type_ or "string", typed or untyped))
    if "&" in text:
        members = [(_plain(name), type_, _plain(value)) for name, type_, value in members]
    return PlainCall(head[1], members)


def _plain(text: str) -> str:
    return unescape(text, _ENTITIES)
