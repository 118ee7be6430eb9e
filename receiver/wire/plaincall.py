"""The plain call: one struct of scalars, as nearly every provider's callback is, read without an XML parser.

Only what is plain to the letter counts: the tags as the specification writes them, no attribute, comment or section,
no reference but the five that XML predefines. Such a text can declare nothing and is well-formed by its shape.
All else is left to the guarded parser, which reads these texts too, five times slower and with the same result.

A provider sends the same names in the same order each time. So what stands around the values of a call is remembered
as a shape, one expression for the whole text, and the next text of that shape is read by it, three times faster still.
"""

import re
from collections.abc import Sequence
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


@dataclass(slots=True)
class PlainCall:
    """The method, and the name and text of each member. `typed` has the type of those that are no strings."""

    method: str
    names: tuple[str, ...]
    texts: Sequence[str]
    typed: tuple[tuple[str, str], ...]


def read(text: str, limits: Limits) -> PlainCall | None:
    """The call in `text` if it is plain and far from every limit; None leaves it to the parser."""
    if len(text) > min(MAX_CHARS, limits.text_chars, limits.elements):
        return None
    known = _shapes.get(text.count("<"), ())
    for shape in known:
        if match := shape.expression.fullmatch(text):
            texts = match.groups()
            return PlainCall(shape.method, shape.names, _plain(texts) if "&" in text else texts, shape.typed)
    return _read_any(text, learn=len(known) < MOST_ALIKE and sum(map(len, _shapes.values())) < MOST_SHAPES)


def _read_any(text: str, *, learn: bool) -> PlainCall | None:
    head = _HEAD.match(text)
    end = text.rfind("</struct>")
    if head is None or end < 0 or _TAIL.match(text, end) is None:
        return None
    names, types, texts = list[str](), list[str](), list[str]()
    for name, type_, typed_text, untyped_text, other in _MEMBER.findall(text, head.end(), end):
        if other:
            return None
        names.append(name)
        types.append(type_)
        texts.append(typed_text or untyped_text)
    names = _plain(names)
    typed = tuple((name, type_) for name, type_ in zip(names, types, strict=True) if type_ not in {"", "string"})
    call = PlainCall(head[1], tuple(names), _plain(texts), typed)
    if learn and len(names) <= MOST_MEMBERS and len(text) - sum(map(len, texts)) <= LONGEST_SHAPE:
        _learn(text, call, [_place_of_value(member) for member in _MEMBER.finditer(text, head.end(), end)])
    return call


def _place_of_value(member: re.Match[str]) -> tuple[int, int]:
    return member.span(3 if member[2] else 4)


def _plain(texts: Sequence[str]) -> list[str]:
    """Without references."""
    return [unescape(text, _ENTITIES) if "&" in text else text for text in texts]


# --- shapes ---

MOST_SHAPES, MOST_ALIKE = 64, 4
"""Remembered at all, and with the same number of tags. None is ever given up, so that their number bounds the time
that they take to make; what comes later is read without."""
LONGEST_SHAPE, MOST_MEMBERS = 4 * 1024, 40
"""Characters around the values, and members: to make an expression of so many takes 20 ms, and 10 of half of them."""


@dataclass(frozen=True, slots=True)
class _Shape:
    expression: re.Pattern[str]
    method: str
    names: tuple[str, ...]
    typed: tuple[tuple[str, str], ...]


_shapes: dict[int, tuple[_Shape, ...]] = {}
"""By the number of "<" in the text."""


def _learn(text: str, call: PlainCall, values: Sequence[tuple[int, int]]) -> None:
    """Remember the shape of this text, whose values stand at these places."""
    ends = [0, *(end for _, end in values)]
    starts = [*(start for start, _ in values), len(text)]
    around = [re.escape(text[end:start]) for end, start in zip(ends, starts, strict=True)]
    shape = _Shape(re.compile(f"({_TEXT})".join(around)), call.method, call.names, call.typed)
    count = text.count("<")
    _shapes[count] = (shape, *_shapes.get(count, ()))
