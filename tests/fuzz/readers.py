"""The differential test of the two XML-RPC parsers: mutated samples, read by the fast path and by the parser."""

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
    """Those of `count` mutated calls on which the two disagree: the text, and what each of them reads."""
    rng = random.Random(seed)
    samples = [sample.body.decode() for sample in find_samples(format_="xmlrpc")]
    shapes = ShapeCache()
    for _ in range(count):
        text = rng.choice(samples)
        for _ in range(rng.randint(0, 4)):
            text = rng.choice(_MUTATIONS)(rng, text)
        text = text.strip("\x00 \t\r\n")  # as `receiver.wire.read` does
        fast, parsed = outcome(text, shapes), outcome(text + GUARD)
        if fast != parsed or outcome(text) != parsed:
            yield text, fast, parsed


def outcome(text: str, shapes: ShapeCache | None = None) -> str:
    """The call in a text, or "refused"."""
    try:
        return repr(read_call(text, shapes=shapes))
    except WireError:
        return "refused"


def _tokens(rng: random.Random, text: str) -> tuple[list[str], int]:
    tokens = _TOKEN.findall(text) or [""]
    return tokens, rng.randrange(len(tokens))


def _replace_value(rng: random.Random, text: str) -> str:
    """Replace the text between two tags."""
    places = [found.span(1) for found in re.finditer(r">([^<>]*)</", text)]
    if not places:
        return text
    start, end = rng.choice(places)
    return text[:start] + rng.choice(_VALUES) + text[end:]


def _replace_type(rng: random.Random, text: str) -> str:
    """Replace the type of one value, or of its opening tag alone."""
    found = list(re.finditer(r"<(string|int|i4|i8|double)>([^<>]*)</\1>", text))
    if not found:
        return text
    one, type_ = rng.choice(found), rng.choice(_TYPES)
    closing = type_ if rng.random() < 0.9 else rng.choice(_TYPES)
    return f"{text[: one.start()]}<{type_}>{one[2]}</{closing}>{text[one.end() :]}"


def _empty_value(rng: random.Random, text: str) -> str:
    """Replace a value by an empty element."""
    found = list(re.finditer(r"<value>.*?</value>", text, re.DOTALL))
    if not found:
        return text
    one = rng.choice(found)
    empty = rng.choice(("<value/>", "<value />", "<value></value>", "<value> </value>", "<value><string/></value>"))
    return text[: one.start()] + empty + text[one.end() :]


def _drop_token(rng: random.Random, text: str) -> str:
    tokens, at = _tokens(rng, text)
    return "".join(tokens[:at] + tokens[at + 1 :])


def _double_token(rng: random.Random, text: str) -> str:
    tokens, at = _tokens(rng, text)
    return "".join(tokens[:at] + [tokens[at]] * 2 + tokens[at + 1 :])


def _add_tag(rng: random.Random, text: str) -> str:
    tokens, at = _tokens(rng, text)
    return "".join([*tokens[:at], rng.choice(_TAGS), *tokens[at:]])


def _change_blanks(rng: random.Random, text: str) -> str:
    return re.sub(r"\s+", rng.choice(("", " ", "\n", "\r\n", "\t")), text)


def _change_character(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice("<>&;/\"' \n\x00\x0baA1_-") + text[at + rng.randint(0, 1) :]


def _double_member(rng: random.Random, text: str) -> str:
    """Repeat a member with another value."""
    found = re.findall(r"<member>.*?</member>", text, re.DOTALL)
    if not found:
        return text
    one = rng.choice(found)
    return text.replace(one, one + _replace_value(rng, one), 1)


_MUTATIONS: tuple[Callable[[random.Random, str], str], ...] = (
    *(_replace_value, _replace_value, _replace_type, _empty_value, _drop_token, _double_token, _add_tag),
    *(_change_blanks, _change_character, _double_member),
)
