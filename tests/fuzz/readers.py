"""The differential test of the two XML-RPC readers: mutated samples, read by the fast path and by the parser."""

import random
import re
from collections.abc import Callable, Iterator

from receiver.errors import WireError
from receiver.providers.base.samples import find_samples
from receiver.wire.fast_xmlrpc import ShapeCache
from receiver.wire.xmlrpc import read_call

GUARD = "<!-- the fast path leaves a text with a comment to the parser -->"
_TOKEN = re.compile(r"<[^<>]*>|[^<>]+")
_TYPES = ("string", "int", "i4", "i8", "double", "boolean", "nil", "base64", "dateTime.iso8601", "STRING", "ex:i8")
_VALUES = (
    *("", " ", "0", "007", "-1", "+5", "1_0", "12.0", "1e3", "true", "9" * 19, "9" * 25, "NaN", "\u0660", "\xa0"),
    *("R&amp;D", "R&D", "&lt;b&gt;", "&#65;", "&#x5E9;", "&nbsp;", "]]>", "\r\n", "\r", "\x0b", "\ufffe", "\U0001f4a9"),
    *("<![CDATA[x]]>", "<!-- x -->", "<?pi x?>", "<b/>", "</string>", "<nil/>", "'", '"', "שלום", "a\tb\nc"),
)
_TAGS = (
    "<value/>",
    "<value></value>",
    "<string />",
    "<int/>",
    "<struct/>",
    "<data>",
    "</member>",
    "<member>",
    "<name>",
)


def disagreements(seed: str, count: int) -> Iterator[tuple[str, str, str]]:
    """Of `count` mutated calls those that the readers disagree on: the text, and what each of them reads."""
    chance = random.Random(seed)
    samples = [sample.body.decode() for sample in find_samples(format_="xmlrpc")]
    shapes = ShapeCache()
    for _ in range(count):
        text = chance.choice(samples)
        for _ in range(chance.randint(0, 4)):
            text = chance.choice(_MUTATIONS)(chance, text)
        text = text.strip("\x00 \t\r\n")  # as `receiver.wire.read` does
        fast, parsed = outcome(text, shapes), outcome(text + GUARD)
        if fast != parsed or outcome(text) != parsed:
            yield text, fast, parsed


def outcome(text: str, shapes: ShapeCache | None = None) -> str:
    """What a text reads to; for a text that is refused, that it is."""
    try:
        return repr(read_call(text, shapes=shapes))
    except WireError:
        return "refused"


def _tokens(chance: random.Random, text: str) -> tuple[list[str], int]:
    tokens = _TOKEN.findall(text) or [""]
    return tokens, chance.randrange(len(tokens))


def _replace_value(chance: random.Random, text: str) -> str:
    """Another text between two tags."""
    places = [found.span(1) for found in re.finditer(r">([^<>]*)</", text)]
    if not places:
        return text
    start, end = chance.choice(places)
    return text[:start] + chance.choice(_VALUES) + text[end:]


def _replace_type(chance: random.Random, text: str) -> str:
    """Another type for one value, or for its opening tag alone."""
    found = list(re.finditer(r"<(string|int|i4|i8|double)>([^<>]*)</\1>", text))
    if not found:
        return text
    one, type_ = chance.choice(found), chance.choice(_TYPES)
    closing = type_ if chance.random() < 0.9 else chance.choice(_TYPES)
    return f"{text[: one.start()]}<{type_}>{one[2]}</{closing}>{text[one.end() :]}"


def _empty_value(chance: random.Random, text: str) -> str:
    """An empty element in place of a value."""
    found = list(re.finditer(r"<value>.*?</value>", text, re.DOTALL))
    if not found:
        return text
    one = chance.choice(found)
    empty = chance.choice(("<value/>", "<value />", "<value></value>", "<value> </value>", "<value><string/></value>"))
    return text[: one.start()] + empty + text[one.end() :]


def _drop_token(chance: random.Random, text: str) -> str:
    tokens, at = _tokens(chance, text)
    return "".join(tokens[:at] + tokens[at + 1 :])


def _double_token(chance: random.Random, text: str) -> str:
    tokens, at = _tokens(chance, text)
    return "".join(tokens[:at] + [tokens[at]] * 2 + tokens[at + 1 :])


def _add_tag(chance: random.Random, text: str) -> str:
    tokens, at = _tokens(chance, text)
    return "".join([*tokens[:at], chance.choice(_TAGS), *tokens[at:]])


def _change_blanks(chance: random.Random, text: str) -> str:
    return re.sub(r"\s+", chance.choice(("", " ", "\n", "\r\n", "\t")), text)


def _change_character(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice("<>&;/\"' \n\x00\x0baA1_-") + text[at + chance.randint(0, 1) :]


def _double_member(chance: random.Random, text: str) -> str:
    """A member twice, so that one name has two values."""
    found = re.findall(r"<member>.*?</member>", text, re.DOTALL)
    if not found:
        return text
    one = chance.choice(found)
    return text.replace(one, one + _replace_value(chance, one), 1)


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    *(_replace_value, _replace_value, _replace_type, _empty_value, _drop_token, _double_token, _add_tag),
    *(_change_blanks, _change_character, _double_member),
)
