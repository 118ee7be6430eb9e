"""JSON: strict first, then one bounded tolerant pass (A-19, A-20)."""

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

import orjson
import pyjson5

from receiver.errors import WireError
from receiver.wire.message import DEFAULT_LIMITS, BodyLimits, Value, nests_too_deep, notes_of_repeated

MAX_LENIENT_CHARS = 256 * 1024
"""Only texts up to this size get the tolerant pass: hand-written JSON is small."""

_WIDE = re.compile(r"[0-9]{19}")
_KEY = re.compile(r'"\s*:')
# Without its end a string goes on to that of the text. If it were no match, each of its quotes would be tried in turn,
# which takes a time that grows with the square of the length.
_OPEN_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING = re.compile(rf'{_OPEN_STRING}(?:(")|\\?\Z)', re.DOTALL)
_CONTROL = re.compile(r"(\\.)|[\x00-\x1f]", re.DOTALL)
_QUOTED = r"'[^'\\]*+(?:\\.[^'\\]*+)*+"
_COMMENT = r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_FURTHER_KEY = rf"""\s*+(?=(?:{_OPEN_STRING}"|{_QUOTED}'|(?:[^\W\d]|\$)[\w$]*+)\s*+:)"""
_VALUE_WITHOUT_COMMA = re.compile(
    rf"""{_COMMENT}|({_OPEN_STRING}(?:"|\\?\Z)|{_QUOTED}(?:'|\\?\Z)|[\w.+-]++|[}}\]])"""
    rf"""({_FURTHER_KEY}|(?<=}})\s*+(?={{))?""",
    re.DOTALL,
)


def read(text: str, limits: BodyLimits = DEFAULT_LIMITS) -> tuple[Value, tuple[str, ...]]:
    """The values in `text`, with notes "lenient_json" and "repeated:NAME" where they apply. Raises WireError.

    Tolerated, as the provider's own examples have them (A-19): bare keys, trailing and missing commas, line breaks in
    strings, NaN and infinity. A key given twice keeps its last value (A-20).
    """
    if holds_more_than(limits.elements, text):
        raise WireError(f"the JSON has more than {limits.elements} values")
    notes: tuple[str, ...] = ()
    try:
        value = orjson.loads(text)
        if _is_plain(value) and _most_keys(text) == len(value):
            return value, ()
        if nests_too_deep(value, limits.depth):  # before Python's own parser, which fails near 1,000
            raise WireError("the JSON nests too deep")
        if _WIDE.search(text):
            value = json.loads(text, parse_int=_whole_number)
    except orjson.JSONDecodeError as error:
        value, notes = _read_leniently(text, error, limits), ("lenient_json",)
    if notes and nests_too_deep(value, limits.depth):
        raise WireError("the JSON nests too deep")
    return value, notes + notes_of_repeated(_repeated(text, value, strict=not notes))


def holds_more_than(count: int, text: str) -> bool:
    """Whether a JSON text has more than `count` values.

    Checked before they are made: an empty list takes 20 times the memory of its text.
    """
    if _separators(text) < count:
        return False
    return _separators(_STRING.sub(_unless_whole, text)) >= count  # commas in a transcript separate nothing


def _unless_whole(string: re.Match[str]) -> str:
    return "" if string[1] else string[0]


def _separators(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def write(value: Value) -> bytes:
    """Strict JSON in UTF-8."""
    return orjson.dumps(value)


def _read_leniently(text: str, error: orjson.JSONDecodeError, limits: BodyLimits) -> Value:
    if len(text) > MAX_LENIENT_CHARS:
        raise WireError(f"the JSON is broken: {error}") from error
    escaped = _STRING.sub(_escape_controls, text)
    for candidate in (escaped, _with_commas(escaped)):
        try:
            return _as_json(pyjson5.decode(candidate, maxdepth=limits.depth), text)
        except (pyjson5.Json5DecoderException, ValueError) as lenient_error:
            cause = lenient_error
    raise WireError(f"the JSON is broken: {error}") from cause


def _escape_controls(string: re.Match[str]) -> str:
    """A string whose line breaks are escaped: the document prints a URL over two lines (B-24)."""
    return _CONTROL.sub(lambda found: found[1] or f"\\u{ord(found[0]):04x}", string[0])


def _with_commas(text: str) -> str:
    """The text with a comma wherever a value is followed by a further key, or an object by an object (A-19)."""
    return _VALUE_WITHOUT_COMMA.sub(lambda found: found[0] if found[2] is None else f"{found[1]},{found[2]}", text)


def _as_json(value: Value, text: str) -> Value:
    """A value whose NaN, infinity and wide numbers are the words and digits of the text (A-14, A-17).

    Raises ValueError for a number that would not stay what was sent.
    """
    match value:
        case dict():
            return {key: _as_json(item, text) for key, item in value.items()}
        case list():
            return [_as_json(item, text) for item in value]
        case float() if not math.isfinite(value):
            return _if_sent({"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)], text)
        case bool():
            return value
        case int() if not -(2**63) <= value < 2**64:
            return _if_sent(str(value), text)
    return value


def _if_sent(word: str, text: str) -> str:
    if word not in text:
        raise ValueError("a number that JSON does not have")
    return word


def _repeated(text: str, value: Value, *, strict: bool) -> Iterable[str]:
    """Keys that one object gives twice with different values; cheap unless there are any."""
    if not strict or _most_keys(text) == _count_keys(value):
        return []
    names: dict[str, None] = {}

    def collect(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        seen: dict[str, Value] = {}
        for key, item in pairs:
            if key in seen and seen[key] != item:
                names[key] = None
            seen[key] = item
        return seen

    json.loads(text, object_pairs_hook=collect, parse_int=_number, parse_float=_number)
    return names


def _most_keys(text: str) -> int:
    """How many keys a JSON text has at most, in all its objects: a string may hold what looks like one."""
    if " :" in text or "\n:" in text or "\r:" in text or "\t:" in text:
        return len(_KEY.findall(text))
    return text.count('":')


def _is_plain(value: Value) -> bool:
    """Whether it is one object without lists, objects and floats, which are all that a wide number can become."""
    return isinstance(value, dict) and _PLAIN.issuperset(map(type, value.values()))


_PLAIN = frozenset((str, int, bool, type(None)))


def _whole_number(text: str) -> int | str:
    """A number that 64 bits do not hold stays the digits it was sent as, as in XML-RPC (A-14)."""
    return int(text) if len(text) <= 20 and -(2**63) <= int(text) < 2**64 else text


def _number(text: str) -> Value:
    """Exact, so that large whole numbers differ; Decimal refuses the exponent of 0e99999999999999999999."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return float(text)


def _count_keys(value: Value) -> int:
    match value:
        case dict():
            return len(value) + sum(map(_count_keys, value.values()))
        case list():
            return sum(map(_count_keys, value))
    return 0
