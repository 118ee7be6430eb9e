"""XML as a tree of elements, for replies that are no XML-RPC; guarded by defusedxml: no DTD, no entity (A-25)."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element as _Element
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from receiver.errors import WireError
from receiver.wire.charset import decode

MAX_REPAIRED_CHARS = 256 * 1024
"""Longer texts are not repaired: broken XML is written by hand."""
MAX_DEPTH = 64

MAX_REPAIRS = 8
"""Attributes without quotes in one element."""

_UNQUOTED = re.compile(r"""(<[A-Za-z](?:[^<>"']|"[^"<>]*"|'[^'<>]*')*?\s[\w.:-]+=)([^\s"'<>/]+)""")
_TAG = re.compile(r"<(/?)([A-Za-z_][\w.:-]*)[^<>]*?(/?)>")
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its name without its namespace, its attributes, its own text and its elements."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: tuple["Element", ...] = ()
    namespace: str = ""

    def find(self, name: str) -> "Element | None":
        """The first element of that name right below this one, in any case."""
        return next((child for child in self.children if child.name.lower() == name.lower()), None)


def read(body: bytes, *, repair: bool = False) -> Element:
    """The root element of `body`. Raises WireError for anything else.

    With `repair` attributes without quotes and elements that are never closed are tolerated.
    """
    text = _DECLARATION.sub("", decode(body).text.strip("\x00 \t\r\n"))
    try:
        return _parse(text)
    except WireError:
        if not repair or len(text) > MAX_REPAIRED_CHARS:
            raise
    return _parse(_repaired(text))


def _parse(text: str) -> Element:
    try:
        return _element(fromstring(text, forbid_dtd=True), MAX_DEPTH)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise WireError(f"the XML cannot be read: {type(error).__name__}: {error}") from error


def _element(found: _Element, depth: int) -> Element:
    if depth == 0:
        raise WireError("the XML nests too deep")
    namespace, _, name = str(found.tag).rpartition("}")
    children = tuple(_element(child, depth - 1) for child in found)
    return Element(name, (found.text or "").strip(), dict(found.attrib), children, namespace.removeprefix("{"))


def _repaired(text: str) -> str:
    """The text with quotes around each attribute's value, and with the closing tags that are missing at its end."""
    for _ in range(MAX_REPAIRS):
        text, count = _UNQUOTED.subn(r'\1"\2"', text)
        if not count:
            break
    still_open: list[str] = []
    for closing, name, empty in _TAG.findall(text):
        if closing and still_open and still_open[-1] == name:
            still_open.pop()
        elif not closing and not empty:
            still_open.append(name)
    return text + "".join(f"</{name}>" for name in reversed(still_open))
