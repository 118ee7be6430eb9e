"""XML-RPC: method calls and responses, read tolerantly and written to the specification.

Reading accepts what providers send beyond the specification: further integer tags such as `<i8>`, integers wider than
32 bits, untyped values, empty elements (A-13 to A-16). What the fast path does not read goes through defusedxml's
parser, which rejects DTDs and entities (A-25).
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.xmlrpc import DefusedExpatParser

from receiver.errors import WireError
from receiver.wire import fast_xmlrpc
from receiver.wire.message import DEFAULT_LIMITS, BodyLimits, Value

FAULT_UNKNOWN_METHOD = -32601
"""The fault code that XML-RPC libraries agree on for an unknown method."""


@dataclass(slots=True)
class Call:
    """A `methodCall`: its name and its parameters in order. `repeated` names members that were given two values.

    `repaired` says that it had a bare "&", which XML forbids.
    """

    method: str
    params: tuple[Value, ...]
    repeated: tuple[str, ...] = ()
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A `methodResponse`: its value, or the code and text of its fault."""

    value: Value = None
    fault_code: int | None = None
    fault_text: str = ""


MAX_REPAIRED_CHARS = 256 * 1024
"""Longer texts are not repaired: hand-written XML is small."""


def read_call(text: str, limits: BodyLimits = DEFAULT_LIMITS, shapes: fast_xmlrpc.ShapeCache | None = None) -> Call:
    """The call in `text`, an XML document. Raises WireError for anything else.

    With `shapes` calls of a known shape are read faster. A "&" that begins none of the references that XML knows
    without a DTD, as in "R&D" or in a URL, counts as "&amp;".
    """
    plain = fast_xmlrpc.read(text, limits, shapes)
    if plain is not None:
        members: dict[str, Value] = dict(zip(plain.names, plain.texts, strict=True))
        if len(members) == len(plain.names):
            for name, type_ in plain.typed:
                members[name] = _SCALARS[type_](members[name])
            return Call(plain.method, (members,))
    document, repaired = _parse_tolerantly(text, limits)
    if document.root != "methodcall":
        raise WireError(f"the XML is no XML-RPC call: its root is <{document.root_as_sent}>, not <methodCall>")
    if not document.method:
        raise WireError("the XML-RPC call has no methodName")
    return Call(document.method, tuple(document.params), tuple(document.repeated), repaired)


def read_response(text: str, limits: BodyLimits = DEFAULT_LIMITS) -> Response:
    """The response in `text`; element names in any case (B-28). Raises WireError for anything else."""
    document = _parse(text, limits)
    if document.root != "methodresponse":
        raise WireError(f"the XML is no XML-RPC response: its root is <{document.root_as_sent}>")
    if document.is_fault:
        fault = document.params[0] if document.params and isinstance(document.params[0], dict) else {}
        code = fault.get("faultCode")
        return Response(fault_code=code if isinstance(code, int) else 0, fault_text=str(fault.get("faultString", "")))
    return Response(document.params[0] if document.params else None)


class _Document:
    """The target of expat's events: builds the document."""

    def __init__(self, limits: BodyLimits) -> None:
        self._elements_left = limits.elements
        self._max_values = limits.depth
        self._max_open = 5 * limits.depth + 8  # also for elements that are no values
        self._max_text = limits.text_chars
        self._text_chars = 0
        self.root = self.root_as_sent = self.method = ""
        self.params: list[Value] = []
        self.repeated: list[str] = []
        self.is_fault = False
        self._depth = 0
        self._text: list[str] = []
        self._value: Value = None
        self._typed = False
        self._open: list[tuple[dict[str, Value] | list[Value], str | None]] = []

    def xml(self, _encoding: str, _standalone: str | None) -> None:
        """Called by the parser before the document; ignored."""

    def start(self, tag: str, _attributes: object) -> None:
        """An element begins."""
        self._depth += 1
        self._elements_left -= 1
        if self._depth > self._max_open:
            raise WireError("the XML nests too deep")
        if self._elements_left < 0:
            raise WireError("the XML has too many elements")
        self._text.clear()
        self._text_chars = 0
        tag = tag.lower()
        if self._depth == 1:
            self.root, self.root_as_sent = tag, tag[:40]
        if tag == "value":
            self._typed, self._value = False, None
        elif tag in {"struct", "array"}:
            if len(self._open) == self._max_values:
                raise WireError("the XML nests too deep")
            self._open.append(({} if tag == "struct" else [], None))
        elif tag == "member":
            self._in_struct()
        elif tag == "fault":
            self.is_fault = True

    def data(self, text: str) -> None:
        """Characters between tags."""
        self._text_chars += len(text)
        if self._text_chars > self._max_text:
            raise WireError("an XML element holds too much text")
        self._text.append(text)

    def end(self, tag: str) -> None:
        """An element ends: its content becomes part of the enclosing element."""
        self._depth -= 1
        handle = _ENDINGS.get(tag.lower(), _Document.end_unknown)
        handle(self)

    def close(self) -> "_Document":
        """The finished document."""
        return self

    def _take_text(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        return text

    def _give(self, value: Value) -> None:
        self._value, self._typed = value, True
        self._text.clear()

    def end_scalar(self, convert: Callable[[str], Value]) -> None:
        """A typed value ends."""
        self._give(convert(self._take_text()))

    def end_unknown(self) -> None:
        """An unknown type counts as text."""
        if not self._typed:
            self._give(self._take_text())

    def end_value(self) -> None:
        """A value ends: it joins the array around it."""
        if not self._typed:
            self._give(self._take_text())  # an untyped value is a string
        if self._open and isinstance(self._open[-1][0], list):
            self._open[-1][0].append(self._value)
        elif not self._open and self.is_fault:
            self.params.append(self._value)

    def end_name(self) -> None:
        """A member's name ends."""
        members, _ = self._in_struct()
        self._open[-1] = (members, self._take_text())

    def end_member(self) -> None:
        """A member ends: it joins its struct."""
        members, name = self._in_struct()
        if name is None or not self._typed:
            raise WireError("an XML-RPC member lacks its name or its value")
        if name in members and members[name] != self._value:
            self.repeated.append(name)
        members[name] = self._value
        self._open[-1] = (members, None)
        self._typed = False

    def end_container(self) -> None:
        """A struct or an array ends: it is the value now."""
        self._give(self._open.pop()[0])

    def end_param(self) -> None:
        """A param ends."""
        if not self._typed:
            raise WireError("an XML-RPC param has no value")
        self.params.append(self._value)
        self._typed = False

    def end_method_name(self) -> None:
        """The method's name ends."""
        self.method = self._take_text().strip()

    def end_frame(self) -> None:
        """An element that only contains others ends."""
        self._text.clear()

    def _in_struct(self) -> tuple[dict[str, Value], str | None]:
        if not self._open or not isinstance(self._open[-1][0], dict):
            raise WireError("an XML-RPC member is outside of a struct")
        members, name = self._open[-1]
        assert isinstance(members, dict)  # noqa: S101 - narrows the type that the line above checked
        return members, name


def _integer(text: str) -> int | str | None:
    """An integer of at most 64 bits whatever its tag says (A-13, A-14); else the text."""
    if len(text) < 19 and text.isascii() and text.isdigit():
        return int(text)  # as nearly all are
    text = text.strip()
    if not text:
        return None  # <int/> is a missing value
    if len(text) > 20 or not _INTEGER.fullmatch(text):
        return text
    number = int(text)
    return number if -(2**63) <= number < 2**63 else text


def _double(text: str) -> float | str | None:
    text = text.strip()
    if not text:
        return None
    return float(text) if len(text) <= 400 and _DOUBLE.fullmatch(text) and abs(float(text)) < float("inf") else text


def _boolean(text: str) -> bool | str:
    return {"1": True, "true": True, "0": False, "false": False}.get(text.strip().lower(), text.strip())


def _moment(text: str) -> datetime | str:
    try:
        return datetime.strptime(text.strip(), "%Y%m%dT%H:%M:%S")  # noqa: DTZ007 - XML-RPC's moments have no zone
    except ValueError:
        return text.strip()


def _binary(text: str) -> bytes | str:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text


def _nil(_text: str) -> None:
    return None


_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_SCALARS: dict[str, Callable[[str], Value]] = {
    **dict.fromkeys(("i1", "i2", "i4", "i8", "int", "bigint", "ex:i1", "ex:i2", "ex:i8", "ex:biginteger"), _integer),
    **dict.fromkeys(("double", "float", "ex:float", "ex:bigdecimal"), _double),
    "boolean": _boolean,
    "string": str,
    "datetime.iso8601": _moment,
    "base64": _binary,
    "nil": _nil,
    "ex:nil": _nil,
}
_ENDINGS: dict[str, Callable[[_Document], None]] = {
    **{tag: partial(_Document.end_scalar, convert=convert) for tag, convert in _SCALARS.items()},
    "value": _Document.end_value,
    "name": _Document.end_name,
    "member": _Document.end_member,
    "struct": _Document.end_container,
    "array": _Document.end_container,
    "param": _Document.end_param,
    "methodname": _Document.end_method_name,
    **dict.fromkeys(("data", "params", "fault", "methodcall", "methodresponse"), _Document.end_frame),
}


# What has no end goes on to that of the text, else each of its beginnings would be tried in turn.
_BARE_AMPERSAND = re.compile(
    r"(<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z))"
    r"|&(?!(?:amp|lt|gt|quot|apos|#[0-9]++|#x[0-9A-Fa-f]++);)",
    re.DOTALL,
)


def _parse_tolerantly(text: str, limits: BodyLimits) -> tuple[_Document, bool]:
    """The document, and whether it took the repair of a bare "&". Raises the error of the text as it was sent."""
    try:
        return _parse(text, limits), False
    except WireError as error:
        if not isinstance(error.__cause__, ExpatError) or "&" not in text or len(text) > MAX_REPAIRED_CHARS:
            raise
        try:
            return _parse(_BARE_AMPERSAND.sub(lambda found: found[1] or "&amp;", text), limits), True
        except WireError:
            raise error from error.__cause__


def _parse(text: str, limits: BodyLimits) -> _Document:
    document = _Document(limits)
    try:
        parser = DefusedExpatParser(cast("Any", document), forbid_dtd=True)
        # The text is decoded already: expat gets a str, and the declared encoding no longer counts.
        parser.feed(text)
        parser.close()
    except DefusedXmlException as error:
        raise WireError("the XML has a DTD or an entity, which are refused") from error
    except ExpatError as error:
        raise WireError(f"the XML is broken: {error}") from error
    except UnicodeEncodeError as error:
        raise WireError("the XML holds lone surrogates, which are no characters") from error
    return document


def write_response(value: Value) -> bytes:
    """A `methodResponse` with one param, UTF-8 with its declaration (A-11, A-12). Raises WireError."""
    return f"{_HEAD}<methodResponse><params><param>{_value(value)}</param></params></methodResponse>".encode()


def write_fault(code: int, text: str) -> bytes:
    """A `methodResponse` that carries a fault: only for an unknown method (A-07)."""
    fault = _value({"faultCode": code, "faultString": text})
    return f"{_HEAD}<methodResponse><fault>{fault}</fault></methodResponse>".encode()


def write_call(method: str, *params: Value) -> bytes:
    """A `methodCall`, as a provider sends it; integers wider than 32 bits become `<i8>` (A-14)."""
    inner = "".join(f"<param>{_value(param)}</param>" for param in params)
    name = escape(method)
    return f"{_HEAD}<methodCall><methodName>{name}</methodName><params>{inner}</params></methodCall>".encode()


_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_AS_IT_IS = re.compile("[&<>\r]|" + _ILLEGAL.pattern)


def _value(value: Value) -> str:
    return f"<value>{_typed(value)}</value>"


def _typed(value: Value) -> str:
    match value:
        case str():
            return f"<string>{_text(value)}</string>"
        case None:
            return "<nil/>"
        case bool():
            return f"<boolean>{int(value)}</boolean>"
        case int():
            return _write_integer(value)
        case float() if not math.isfinite(value):
            raise WireError("XML-RPC has no infinity and no NaN")
        case float():
            return f"<double>{value!r}</double>"
        case bytes():
            return f"<base64>{base64.b64encode(value).decode()}</base64>"
        case datetime():
            return f"<dateTime.iso8601>{value:%Y%m%dT%H:%M:%S}</dateTime.iso8601>"
        case dict():
            members = [f"<member><name>{_text(str(key))}</name>{_value(item)}</member>" for key, item in value.items()]
            return f"<struct>{''.join(members)}</struct>"
        case list() | tuple():
            return f"<array><data>{''.join(map(_value, value))}</data></array>"
        case _:
            raise WireError(f"XML-RPC has no type for {type(value).__name__}")


def _write_integer(number: int) -> str:
    if -(2**31) <= number < 2**31:
        return f"<int>{number}</int>"
    if -(2**63) <= number < 2**63:
        return f"<i8>{number}</i8>"
    raise WireError(f"{number} is wider than 64 bits")


def _text(text: str) -> str:
    if _NOT_AS_IT_IS.search(text) is None:
        return text
    if _ILLEGAL.search(text):
        raise WireError("XML cannot carry control characters or lone surrogates")
    return escape(text, {"\r": "&#13;"})
