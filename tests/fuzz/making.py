"""Generate inputs: requests from random values, and mutated samples.

The same seed makes the same inputs. The generator knows XML-RPC, JSON and forms, so that parsers read beyond the first
byte. It does not use a coverage-guided engine: the parsers behind the receiver are in C, where such an engine (atheris)
measures no coverage; in a trial it found nothing that these mutations had not found.
"""

import json
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

from receiver.providers.base.discovery import discover
from receiver.providers.base.samples import Sample, find_samples
from receiver.web.callback_app import url_path
from tests.attacks import form_attacks, json_attacks, xml_attacks
from tests.fuzz.inputs import Input, read_corpus
from tests.providers.support import provider_of

MAX_SEED = 6_000
REPEATED_TO = 60_000
_WORDS = """
< > & ; " ' { } [ ] , : = % + - . 0 1 9 e E \\ / <value> </value> <int> </int> <i8> <nil/> <double> <boolean> <base64>
<dateTime.iso8601> <string> <struct> </struct> <member> </member> <name> </name> <array> <data> </array> <param>
<params> <fault> <methodName> <methodCall> </methodCall> <methodResponse> &lt; &amp; &#0; &#x41; &#xD800; &#x10FFFF; &a;
]]> <![CDATA[ <!-- --> <?xml <?a?> <!DOCTYPE <!ENTITY true false null NaN Infinity -0 0x1F 1e400 1e-400 \\u0000 \\ud800
\\udc00 \\u00e9 \\n \\" // /* */ {} [] {a:1} [1,] '' "" --b --b-- %00 %zz %D7%A9 %F9 %25 name= filename= boundary=
METHOD DATA CDR GET_IVR_ACTION HANGUP_CALL IVR_LAYER_INPUT IVR_MENU x.CDR NO_SUCH utf-7 utf-16 windows-1255
"""
TOKENS = [
    *_WORDS.encode().split(),
    *(bytes([code]) for code in b" \n\r\t\0\x1a\x7f\x80\xff"),
    b'<?xml version="1.0" encoding="windows-1255"?>',
    b'<?xml version="1.0" encoding="cp037"?>',
    b'<!DOCTYPE a [<!ENTITY a "b">]>',
    b"Content-Disposition: form-data; name=",
    b"\r\n\r\n",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xc0\xbc",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    "ש".encode(),
    "\u2028".encode(),
    "\U0001f600".encode(),
    "ש".encode("windows-1255"),
]
EDGES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 99, 2**31, -(2**31) - 1, 2**53, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64,
    10**40, 1784635200, 253402300800, -62135596801, 10**15, 0.5, -0.0, 1e15, 1e16, 1e300, 5e-324, 12.0, "", " ",
    "0", "-1", "00", "+972540000000", "0540000000", "*3", "anonymous", "1e3", "1e999", "12.0", "0x10", "nan", "inf",
    "-Infinity", "٣", "²", "①", "1_000", "9" * 41, "9" * 5_000, "1" * 300 + ".5", "1E+400", "0E-400", "true", "YES",
    "null", "2026-11-21 10:00:00", "2026-11-21T10:00:00Z", "20261121T10:00:00", "0000-00-00 00:00:00",
    "9999-12-31 23:59:59", "31/12/9999", "2026-03-27 02:30:00", "2026-13-45 25:61:61", "21-11-2026", "1970-01-01",
    "{}", "[]", '{"a": 1}', '[["a", "b"]]', '{"a": NaN}', "[1e999]", "[" * 5_000, '{"a":' * 40 + "1" + "}" * 40,
    '{"a": ' + "9" * 5_000 + "}", "{a: 1,}", '"', "ANSWER", "NOANSWER", "BUSY", "CANCEL", "\0", "a\0b", "\x1b[2J",
    "\u202e", "\ufffe", "\ud800", "\ud83d", "\r\n", "\u2028", "שלום", "a" * 3_000, "<b>&amp;</b>", "]]>", "%s%n",
    "{0}", "$ref", "../../etc/passwd", "' OR 1=1 --", "=cmd|' /C calc'!A0",
]  # fmt: skip
CONTENT_TYPES = [
    "", "text/xml", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
    "multipart/form-data", "multipart/form-data; boundary=", 'multipart/mixed; boundary="b"; charset=utf-16',
    "text/xml; charset=utf-16", "application/json; charset=windows-1255", "a/b; charset=cp037", "a/b; charset=",
    "a/b; charset*=utf-8''x; charset*1=b", "a/b; charset=utf-7", "a/b; charset=\xff", "; charset", "a/b; charset=idna",
]  # fmt: skip
WRAPS = [
    (b"[", b"]"),
    (b'{"DATA":', b"}"),
    (b"<value>", b"</value>"),
    (b"\0", b"\0"),
    (b"\xef\xbb\xbf", b""),
    (b" \n", b"x"),
]
ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1255", "latin-1", "utf-7", "cp037"]
SCALAR_TAGS = ["int", "i4", "i8", "string", "double", "boolean", "base64", "dateTime.iso8601", "nil", "ex:i8", "x", ""]
_TEXT = re.compile(rb'>[^<>]{1,60}<|"[^"\\]{0,60}"')
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(rb"[A-Za-z0-9_.+-]+")
_NAME = re.compile(rb'[A-Za-z_0-9]{2,40}(?=(?:</name>|"\s*:|=|"\r\n))')


class Maker:
    """Makes one input after the other. Two makers with the same seed make the same inputs."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._seeds = _seeds()
        self._names = _names(self._seeds)
        self._paths = paths()
        self._changes: list[Callable[[bytes], bytes]] = [
            self._flip, self._overwrite, self._cut, self._repeat, self._truncate, self._swap, self._splice,
            self._insert_token, self._insert_token, self._replace_word, self._replace_word, self._replace_word,
            self._insert_edge, self._replace_text, self._encode, self._wrap, self._change_case,
        ]  # fmt: skip

    def make(self) -> Input:
        """The next input."""
        rng = self._random
        origin = rng.choice(self._seeds)
        path = origin.path if rng.random() < 0.8 else rng.choice(self._paths)
        content_type = origin.content_type if rng.random() < 0.8 else rng.choice(CONTENT_TYPES)
        body, query = origin.body, origin.query
        if rng.random() < 0.4:
            body, changes = self._made_up(), rng.choice((0, 0, 0, 1, 2))
        else:
            changes = rng.choice((1, 1, 1, 2, 2, 3, 5))
        for _ in range(changes):
            change = self._replace_text if rng.random() < 0.4 else rng.choice(self._changes)
            body = change(body)[:REPEATED_TO]
        if query or rng.random() < 0.02:
            query = self._changed_query(query)
        method = origin.method if rng.random() < 0.97 else rng.choice(("GET", "POST", "HEAD", "OPTIONS", "PUT"))
        return Input(path, body, content_type, query, method)

    # --- requests from random values ---

    def _made_up(self) -> bytes:
        rng = self._random
        fields = {self._name(): self._value(0) for _ in range(rng.randrange(12))}
        kind = rng.choice(("CDR", "GET_IVR_ACTION", "HANGUP_CALL", "IVR_LAYER_INPUT", "IVR_MENU", "x"))
        value: Any = [fields] * rng.randrange(4) if rng.random() < 0.05 else fields
        match rng.randrange(5):
            case 0 | 1:
                text = f"<methodCall><methodName>{kind}</methodName><params>{self._params(value)}</params></methodCall>"
            case 2:
                text = json.dumps({"METHOD": kind, "DATA": value}, ensure_ascii=rng.random() < 0.5)
            case 3:
                text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
            case _:
                text = self._form(fields)
        return text.encode("utf-8", "surrogatepass")

    def _name(self) -> str:
        rng = self._random
        return rng.choice(self._names) if rng.random() < 0.9 else str(rng.choice(EDGES))[:200]

    def _value(self, depth: int) -> Any:
        rng = self._random
        pick = rng.random()
        if depth < 4 and pick < 0.08:
            return [self._value(depth + 1) for _ in range(rng.randrange(4))]
        if depth < 4 and pick < 0.16:
            return {self._name(): self._value(depth + 1) for _ in range(rng.randrange(4))}
        if pick < 0.3:
            return rng.choice((rng.randrange(10**6), rng.getrandbits(70), rng.random() * 10 ** rng.randrange(20)))
        return rng.choice(EDGES)

    def _params(self, value: Any) -> str:
        more = self._random.random() < 0.1
        return f"<param>{self._xml(value)}</param>" * (1 + more)

    def _xml(self, value: Any) -> str:
        match value:
            case str() if self._random.random() < 0.95:
                value = _ILLEGAL.sub("", value)
            case dict():
                members = (
                    f"<member><name>{escape(_ILLEGAL.sub('', name))}</name>{self._xml(item)}</member>"
                    for name, item in value.items()
                )
                return f"<value><struct>{''.join(members)}</struct></value>"
            case list():
                return f"<value><array><data>{''.join(map(self._xml, value))}</data></array></value>"
        tag = self._random.choice(SCALAR_TAGS)
        return f"<value><{tag}>{escape(str(value))}</{tag}></value>" if tag else f"<value>{escape(str(value))}</value>"

    def _form(self, fields: dict[str, Any]) -> str:
        if self._random.random() < 0.5:
            return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in fields.items())
        parts = (
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        )
        return "".join(parts) + "--b--\r\n"

    def _changed_query(self, query: bytes) -> bytes:
        if self._random.random() < 0.5:
            query = "&".join(f"{_quoted(self._name())}={_quoted(self._value(9))}" for _ in range(4)).encode()
        return self._random.choice(self._changes)(query)[:4_000]

    # --- changes ---

    def _span(self, body: bytes) -> tuple[int, int]:
        start = self._random.randrange(len(body) + 1)
        return start, min(len(body), start + int(self._random.expovariate(1 / 30)))

    def _flip(self, body: bytes) -> bytes:
        if not body:
            return b"\0"
        changed = bytearray(body)
        for _ in range(self._random.choice((1, 1, 2, 8))):
            changed[self._random.randrange(len(body))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def _overwrite(self, body: bytes) -> bytes:
        start, end = self._span(body)
        return body[:start] + self._random.randbytes(min(end - start, 12)) + body[end:]

    def _cut(self, body: bytes) -> bytes:
        start, end = self._span(body)
        return body[:start] + body[end:]

    def _repeat(self, body: bytes) -> bytes:
        start, end = self._span(body)
        times = self._random.choice((2, 2, 3, 10, 50, 2_000))
        room = max(1, REPEATED_TO // (end - start + 1)) if self._random.random() < 0.02 else 20
        return body[:start] + body[start:end] * min(times, room) + body[end:]

    def _truncate(self, body: bytes) -> bytes:
        return body[: self._random.randrange(len(body) + 1)]

    def _swap(self, body: bytes) -> bytes:
        a, b, c, d = sorted(self._random.randrange(len(body) + 1) for _ in range(4))
        return body[:a] + body[c:d] + body[b:c] + body[a:b] + body[d:]

    def _splice(self, body: bytes) -> bytes:
        other = self._random.choice(self._seeds).body
        return body[: self._random.randrange(len(body) + 1)] + other[self._random.randrange(len(other) + 1) :]

    def _insert_token(self, body: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        return body[:at] + self._random.choice(TOKENS) + body[at:]

    def _replace_word(self, body: bytes) -> bytes:
        words = list(_WORD.finditer(body, self._random.randrange(len(body) + 1)))[:50]
        if not words:
            return body
        word = self._random.choice(words)
        new = self._random.choice(TOKENS) if self._random.random() < 0.4 else self._edge()
        return body[: word.start()] + new + body[word.end() :]

    def _replace_text(self, body: bytes) -> bytes:
        """Replace a value by another one, so that the text stays well-formed."""
        texts = list(_TEXT.finditer(body, self._random.randrange(len(body) + 1)))[:20]
        if not texts:
            return body
        text = self._random.choice(texts)
        edge = _ILLEGAL.sub("", str(self._random.choice(EDGES)))
        new = escape(edge) if body[text.start() : text.start() + 1] == b">" else json.dumps(edge)[1:-1]
        return body[: text.start() + 1] + new.encode() + body[text.end() - 1 :]

    def _insert_edge(self, body: bytes) -> bytes:
        at = self._random.randrange(len(body) + 1)
        return body[:at] + self._edge() + body[at:]

    def _edge(self) -> bytes:
        return str(self._random.choice(EDGES)).encode("utf-8", "surrogatepass")

    def _encode(self, body: bytes) -> bytes:
        return body.decode("utf-8", "replace").encode(self._random.choice(ENCODINGS), "replace")

    def _wrap(self, body: bytes) -> bytes:
        before, after = self._random.choice(WRAPS)
        return before + body + after

    def _change_case(self, body: bytes) -> bytes:
        start, end = self._span(body)
        return body[:start] + body[start:end].swapcase() + body[end:]


@cache
def _seeds() -> list[Input]:
    """Samples have more weight: most attacks are rejected early, whatever the mutation."""
    samples = [_sample_input(sample) for sample in find_samples()]
    attacks = [
        Input("/voicenter", attack.body, attack.content_type)
        for attack in (*xml_attacks.ATTACKS, *json_attacks.ATTACKS, *form_attacks.ATTACKS)
        if len(attack.body) < MAX_SEED
    ]
    kept = [found for _, found in read_corpus() if len(found.body) < MAX_SEED]
    return samples * 12 + attacks + kept


def paths() -> list[str]:
    """Where the receiver takes callbacks: the literal paths, and those of the samples, whose parameters are filled."""
    literal = {url_path(one, each) for one in map(provider_of, discover()) for each in one.endpoints}
    return sorted({path for path in literal if "{" not in path} | {_sample_input(one).path for one in find_samples()})


def _sample_input(sample: Sample) -> Input:
    path, _, query = sample.target.partition("?")
    content_type = next((value for name, value in sample.headers if name.lower() == "content-type"), "")
    return Input(path, sample.body, content_type, query.encode(), sample.method)


def _names(seeds: list[Input]) -> list[str]:
    found = {name.decode() for seed in seeds for name in _NAME.findall(seed.body)}
    return sorted(name for name in found if not name.isdigit())


def _quoted(value: object) -> str:
    return quote_plus(str(value), errors="surrogatepass")
