"""The fast path for XML-RPC: one struct of scalars, as nearly every callback is, read without an XML parser.

It accepts a text only if each tag is spelled as in the specification: no attribute, comment or CDATA section, no
reference but the five that XML predefines, an empty element as a pair or as one tag. Such a text cannot declare
anything, and is well-formed. Any other text goes to the guarded parser, which reads these texts too, ten times slower
and with the same result; a differential test checks that.

A provider sends the same names in the same order each time. What surrounds the values of a call is its shape. A
`ShapeCache` keeps one expression for each shape, which reads the next text of that shape three times faster still.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from xml.sax.saxutils import unescape

from receiver.wire.message import BodyLimits

MAX_CHARS = 64 * 1024
"""Longer texts go to the parser, which stops at the first limit that they exceed."""

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
_TYPE = "string|int|i4|i8|double|boolean"
_VALUE = (
    rf"<value>(?:{_GAP}(?:<({_TYPE})>({_TEXT})</\2>|<({_TYPE})[ \t\r\n]*+/>){_GAP}|({_TEXT}))</value>"
    r"|<value[ \t\r\n]*+/>"
)
_MEMBER = re.compile(
    _spaced("<member>", rf"<name>({_TEXT})</name>", f"(?:{_VALUE})", "</member>", "") + "|(.)", re.DOTALL
)
_TAIL = re.compile(_spaced("</struct>", "</value>", "</param>", "</params>", "</methodCall>", r"\Z"))
_ENTITIES = {"&quot;": '"', "&apos;": "'"}


@dataclass(slots=True)
class PlainCall:
    """The method, and the name and text of each member. `typed` has the type of those that are no strings."""

    method: str
    names: tuple[str, ...]
    texts: Sequence[str]
    typed: tuple[tuple[str, str], ...]


def read(text: str, limits: BodyLimits, shapes: "ShapeCache | None" = None) -> PlainCall | None:
    """The call in `text` if it has this form and is far below every limit; None leaves it to the parser."""
    if len(text) > min(MAX_CHARS, limits.text_chars, limits.elements):
        return None
    call = shapes.read(text) if shapes is not None else None
    if call is not None:
        return call
    head = _HEAD.match(text)
    end = text.rfind("</struct>")
    if head is None or end < 0 or _TAIL.match(text, end) is None:
        return None
    names, types, texts = list[str](), list[str](), list[str]()
    for name, type_, typed_text, empty_type, untyped_text, other in _MEMBER.findall(text, head.end(), end):
        if other:
            return None
        names.append(name)
        types.append(type_ or empty_type)
        texts.append(typed_text or untyped_text)
    names = _unescaped(names)
    typed = tuple((name, type_) for name, type_ in zip(names, types, strict=True) if type_ not in {"", "string"})
    call = PlainCall(head[1], tuple(names), _unescaped(texts), typed)
    if shapes is not None and len(names) <= MAX_MEMBERS and len(text) - sum(map(len, texts)) <= MAX_SHAPE_CHARS:
        shapes.learn(text, call, [_span_of_value(member) for member in _MEMBER.finditer(text, head.end(), end)])
    return call


def _span_of_value(member: re.Match[str]) -> tuple[int, int]:
    """The span of a value's text. An empty element is part of the shape: its span is empty, after the name."""
    if member[2]:
        return member.span(3)
    return member.span(5) if member[5] is not None else (member.end(1), member.end(1))


def _unescaped(texts: Sequence[str]) -> list[str]:
    """Texts with the predefined entities resolved."""
    return [unescape(text, _ENTITIES) if "&" in text else text for text in texts]


MAX_SHAPES, MAX_ALIKE = 64, 4
"""Shapes that are cached in all, and with the same number of tags."""
MAX_SHAPE_CHARS, MAX_MEMBERS = 4 * 1024, 40
"""Characters around the values, and members: compiling the expression for so many takes 20 ms, and 10 for half."""
EVICTION_SECONDS = 10.0
"""Between two evictions. A sender of ever new shapes costs one compilation in that time."""


@dataclass(slots=True)
class _Shape:
    expression: re.Pattern[str]
    method: str
    names: tuple[str, ...]
    typed: tuple[tuple[str, str], ...]
    empty: tuple[int, ...]
    """Members that are empty elements, which the expression has no group for."""
    tags: int
    used: int = 0


@dataclass(slots=True)
class ShapeCache:
    """Compiled shapes of calls, with eviction of the least recently used. Each provider object has its own cache."""

    clock: Callable[[], float] = monotonic
    _by_tags: dict[int, tuple[_Shape, ...]] = field(default_factory=dict)
    """By the number of "<" in the text."""
    _uses: int = 0
    _last_eviction: float = float("-inf")

    def __len__(self) -> int:
        return sum(map(len, self._by_tags.values()))

    def read(self, text: str) -> PlainCall | None:
        """The call in `text` if it has a known shape."""
        for shape in self._by_tags.get(text.count("<"), ()):
            if match := shape.expression.fullmatch(text):
                self._uses += 1
                shape.used = self._uses
                texts: Sequence[str] = match.groups()
                if shape.empty:
                    texts = list(texts)
                    for index in shape.empty:
                        texts.insert(index, "")
                return PlainCall(shape.method, shape.names, _unescaped(texts) if "&" in text else texts, shape.typed)
        return None

    def learn(self, text: str, call: PlainCall, spans: Sequence[tuple[int, int]]) -> None:
        """Cache the shape of a text with values at these spans, if there is room or an eviction is due."""
        tags = text.count("<")
        alike = self._by_tags.get(tags, ())
        if len(alike) >= MAX_ALIKE and not self._evict(alike):
            return
        if len(self) >= MAX_SHAPES and not self._evict([one for same in self._by_tags.values() for one in same]):
            return
        shape = _compile(text, call, spans, tags)
        self._uses += 1
        shape.used = self._uses
        self._by_tags[tags] = (shape, *self._by_tags.get(tags, ()))

    def _evict(self, among: Sequence[_Shape]) -> bool:
        """Evict the least recently used of these shapes, unless another one was evicted within EVICTION_SECONDS."""
        now = self.clock()
        if now - self._last_eviction < EVICTION_SECONDS:
            return False
        self._last_eviction = now
        oldest = min(among, key=lambda shape: shape.used)
        self._by_tags[oldest.tags] = tuple(one for one in self._by_tags[oldest.tags] if one is not oldest)
        return True


def _compile(text: str, call: PlainCall, spans: Sequence[tuple[int, int]], tags: int) -> _Shape:
    empty = tuple(index for index, (start, end) in enumerate(spans) if start == end and _is_empty_element(text, start))
    filled = [span for index, span in enumerate(spans) if index not in empty]
    ends = [0, *(end for _, end in filled)]
    starts = [*(start for start, _ in filled), len(text)]
    around = [re.escape(text[end:start]) for end, start in zip(ends, starts, strict=True)]
    return _Shape(re.compile(f"({_TEXT})".join(around)), call.method, call.names, call.typed, empty, tags)


def _is_empty_element(text: str, at: int) -> bool:
    """Whether a value's place is that of an empty element: its place is the end of its member's name then."""
    return text.startswith("</name>", at)
