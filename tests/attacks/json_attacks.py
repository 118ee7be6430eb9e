"""JSON at the limits of its grammar, malformed JSON, and JSON in wrong encodings."""

from tests.attacks.attack import CALLER, EITHER, REFUSED, Attack, with_note

MANY = 20_000
FAR_DEPTH = 100_000
LONG = 200_000
SMALL = '{"":0},'
BACKSLASH = chr(92)
HEBREW = "שלום"


def callback(note: str, *, after: str = "") -> str:
    """A CDR whose note is this piece of JSON."""
    return f'{{"ivruniqueid": "{CALLER["ivruniqueid"]}", "note": {note}{after}}}'


def _u(*codes: str) -> str:
    return '"' + "".join(f"{BACKSLASH}u{code}" for code in codes) + '"'


_STRICT = {
    "[]": [],
    "{}": {},
    '[[], {}, "", 0, null]': [[], {}, "", 0, None],
    " [\t1\r\n] ": [1],
    '{"": 0}': {"": 0},
    '{"a": {"a": {"a": 1}}}': {"a": {"a": {"a": 1}}},
    "true": True,
    "0": 0,
    "-0": 0,
    "-0.0": -0.0,
    "1E22": 1e22,
    "0e+1": 0.0,
    "1.0e-2": 0.01,
    "1e-400": 0.0,
    f"0.{'0' * 5_000}1": 0.0,
    str(2**63 - 1): 2**63 - 1,
    str(-(2**63)): -(2**63),
    str(2**64 - 1): 2**64 - 1,
    _u("d83d", "DE00"): "\U0001f600",
    _u("0000"): "\0",
    _u("FFFF"): "\uffff",
    _u("202e"): "\u202e",
    f'"{BACKSLASH}{BACKSLASH}u0041"': f"{BACKSLASH}u0041",
    f'"{BACKSLASH}"{BACKSLASH}/{BACKSLASH}b{BACKSLASH}f{BACKSLASH}n{BACKSLASH}r{BACKSLASH}t"': '"/\b\f\n\r\t',
    '"\u2028\u2029\x7f\ufeff\ufffe"': "\u2028\u2029\x7f\ufeff\ufffe",
    '"</script><!--"': "</script><!--",
    '{"__proto__": {"a": 1}}': {"__proto__": {"a": 1}},
    '{"a": 1, "a": 2}': {"a": 2},
    '{"a": {"b": 1}, "a": {"b": 1}}': {"a": {"b": 1}},
    '{"a": 0e99999999999999999999, "a": 1}': {"a": 1},
    "[" * 31 + "]" * 31: "depth",
    '{"a":' * 31 + "1" + "}" * 31: "depth",
}
_TOLERATED = {
    "[1,]": [1],
    '{"a": 1,}': {"a": 1},
    '{a: 1, $b: 2, _c: 3, é: 4}': {"a": 1, "$b": 2, "_c": 3, "é": 4},
    "{null: 1, true: 2}": {"null": 1, "true": 2},
    "'a'": "a",
    "{'a': 'it\"s'}": {"a": 'it"s'},
    "/* one */ 1 // two\n": 1,
    "0x1F": 31,
    "+1": 1,
    ".5": 0.5,
    "5.": 5.0,
    '"a\tb"': "a\tb",
    f'"{BACKSLASH}x41{BACKSLASH}a"': "Aa",
    f'"a{BACKSLASH}\nb"': "ab",
    "[\u00a0\x0c1]": [1],
    '{"a": 1, a: 2}': {"a": 2},
    '{"a": 1 "b": 2}': {"a": 1, "b": 2},
    '{"a": "x"\n"b": {}\n"c": [1]\n"d": null\n"e": "\\\\"}': {"a": "x", "b": {}, "c": [1], "d": None, "e": "\\"},
    '{a: "x"\nb: {c: [1] d: null}\n_e: -1.5 $f: true g2:{} h:"\\""}': {
        "a": "x", "b": {"c": [1], "d": None}, "_e": -1.5, "$f": True, "g2": {}, "h": '"',
    },
    "{a: 'it is 10 b: c' 'd': 'e\\' f: g' h: 1}": {"a": "it is 10 b: c", "d": "e' f: g", "h": 1},
    "{/* it's a b: c */ a: 1 // don't c: d\n, b: 2 e: 3}": {"a": 1, "b": 2, "e": 3},
    '{"a": "b c: d" e: 1}': {"a": "b c: d", "e": 1},
    '[{"a": 1} {"a": 2}]': [{"a": 1}, {"a": 2}],
    '{"a": "b \\"c\\": d" "e": 1}': {"a": 'b "c": d', "e": 1},
    '"a\nb"': "a\nb",
    "NaN": "NaN",
    "-NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "+Infinity": "Infinity",
    "9" * 400: "9" * 400,
    "-" + "9" * 400: "-" + "9" * 400,
}  # fmt: skip
_BROKEN = [
    "", "1 2", "1 true", "[1 2]", "[1,,2]", "[,1]", "[,]", "[1;2]", "[1:2]", "[1", "[1,", "[", "[}", "[1}",
    "{,}", "{a}", '{"a"}', '{"a":}', "{:1}", '{"a" 1}', '{"a"=1}', '{"a"=>1}', '{"a",1}', '{"a":1;}', '{"a":1,,}',
    "{1: 2}", "{a b: 1}", "{a-b: 1}", "{[]: 1}", '{"a": [}', "{",
    "tru", "True", "TRUE", "nul", "None", "undefined", "new Date()", "function () {}", "`a`", "#", "@", "\\", "&",
    "<a/>", "01", "-01", "1.2.3", "1e", "1e+", "0x", "0xg", "0b1", "0o7", "1n", "-", "--1", "- 1", ".", "e5", "1a",
    "\uff11", "1e400", "-1e400",
    "1e" + "9" * 5_000, "[" + "9" * 5_000 + ",]", "0x" + "f" * 17, "[0x" + "f" * 5_000 + "]", "1.7976931348623159e308",
    '"', '"a', "'a", "\"a'", "'a\nb'", f'"{BACKSLASH}', f'"{BACKSLASH}"', f'"{BACKSLASH}u12"',
    f'"{BACKSLASH}u{{41}}"', f'"{BACKSLASH}x4"', f'"{BACKSLASH}uD8"',
    _u("d800"), _u("dc00"), _u("dc00", "d800"), _u("d800", "d800"), _u("d83d", "0041"), f"{{{_u('d800')}: 1}}",
    f"[{_u('d800')},]", f"{{a: {_u('dc00')}}}", "'" + _u("d800")[1:-1] + "'",
    "/* one", "1 /", "/* /* */ */ 1",
    "[" * 33 + "]" * 33, "[" * 33 + "]," * 32 + "]", '{"a":' * 33 + "1" + "}" * 33, "{a:" * 33 + "1" + "}" * 33,
]  # fmt: skip
_WHOLE_BROKEN = {
    "text after the end": callback("1") + "x",
    "the end once more": callback("1") + "}",
    "a comma after the end": callback("1") + ",",
    "two documents": callback("1") * 2,
    "two documents on two lines": callback("1") + "\n" + callback("1"),
    "half a comment after the end": callback("1") + "/*",
    "a control character after the end": callback("1") + "\x1a",
    "a NUL in the middle": callback("1").replace(",", "\0,"),
    "a document in brackets of its own": f"[({callback('1')})]",
    "a hundred thousand arrays": callback("[" * FAR_DEPTH),
    "a hundred thousand arrays, closed": callback("[" * FAR_DEPTH + "]" * FAR_DEPTH),
    "a hundred thousand objects": callback('{"a":' * FAR_DEPTH),
    "a hundred thousand objects with bare keys": callback("{a:" * FAR_DEPTH),
    "nothing but opening brackets": "[" * FAR_DEPTH,
    "nothing but opening braces": "{" * FAR_DEPTH,
    "arrays and objects alternating": '[{"a":' * FAR_DEPTH,
    "closing brackets of another kind": "[" * FAR_DEPTH + "}" * FAR_DEPTH,
    "a thousand arrays": "[" * 1_000 + "]" * 1_000,
    "bare keys in a document too long for patience": callback(f'"{"x" * 300_000}"').replace('"note"', "note"),
}
_MANY = {
    "very many numbers": callback(f"[{'1,' * MANY}1]"),
    "very many empty arrays": callback(f"[{'[],' * MANY}[]]"),
    "very many small objects": callback(f"[{SMALL * MANY}0]"),
    "very many small objects and a key twice": callback(f"[{SMALL * MANY}0]", after=', "a": 1, "a": 2'),
    "very many small objects and a comma too many": callback(f"[{SMALL * MANY}]"),
    "very many keys": "{" + ",".join(f'"{number}":0' for number in range(MANY)) + "}",
    "very many keys twice": "{" + ",".join(f'"{number}":0,"{number}":1' for number in range(MANY)) + "}",
    "one key very many times": "{" + ",".join(f'"a":{number}' for number in range(MANY)) + "}",
    "very many commas": callback("[" + "," * LONG),
    "very many colons": callback('{"a"' + ":" * LONG),
    "very many escapes": callback('"' + f"{BACKSLASH}u0041" * MANY + '"'),
    "very many escaped quotes": callback(f'"{BACKSLASH}"' * MANY),
    "very many strings without an end": callback(f'1{BACKSLASH}"' * MANY),
    "very many backslashes": callback('"' + BACKSLASH * LONG),
    "very many comments": callback("/**/" * MANY + "1"),
    "a very long comment": callback(f"/*{'*' * LONG}*/1"),
    "a very long name": callback(f'{{"{"a" * LONG}": 1}}'),
    "a very long text": callback(f'"{"a" * LONG}"'),
    "a very long text with one wide character": callback(f'"{"a" * LONG}\U0001f600"'),
    "a very long text without its end": callback(f'"{"a" * LONG}')[:-1],
    "a very long number": callback("1" * LONG),
    "a very long fraction": callback(f"0.{'1' * LONG}"),
    "a very long exponent": callback(f"1e-{'1' * LONG}"),
    "very many blanks": callback(" " * LONG + "1"),
    "a number wider than 64 bits": callback(str(2**64)),
    "a number lower than 64 bits": callback(str(-(2**63) - 1)),
    "a number with underscores": callback("1_000"),
    "a number with two signs": callback("+-1"),
    "a byte order mark in the middle": callback("\ufeff1"),
}


def _encoded() -> list[Attack]:
    hebrew = callback(f'"{HEBREW}"')
    as_hebrew = with_note(HEBREW)
    return [
        *(Attack(name, hebrew.encode(name), as_hebrew) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32")),
        Attack("UTF-16 LE without a mark", hebrew.encode("utf-16-le"), as_hebrew),
        Attack("UTF-16 BE without a mark", hebrew.encode("utf-16-be"), as_hebrew),
        Attack("UTF-32 without a mark", hebrew.encode("utf-32-le"), EITHER),
        Attack("UTF-16 with half a character", hebrew.encode("utf-16")[:-1], EITHER),
        Attack("the mark of UTF-16 before UTF-8", b"\xff\xfe" + hebrew.encode(), EITHER),
        Attack("marks alone", b"\xef\xbb\xbf\xff\xfe", EITHER),
        Attack("Hebrew Windows", hebrew.encode("windows-1255"), as_hebrew),
        Attack("Hebrew Windows, declared", hebrew.encode("windows-1255"), as_hebrew, "a/b; charset=windows-1255"),
        Attack("UTF-8, declared as UTF-16", hebrew.encode(), as_hebrew, "application/json; charset=utf-16"),
        Attack("UTF-8, declared as UTF-7", hebrew.encode(), as_hebrew, "application/json; charset=utf-7"),
        Attack("UTF-8, declared as EBCDIC", hebrew.encode(), EITHER, "application/json; charset=cp037"),
        Attack("a charset that breaks its parser", hebrew.encode(), as_hebrew, "a/b; charset*=a; charset*1=b"),
        Attack("UTF-7 that hides a quote", callback('"+ACI-"').encode(), with_note("+ACI-"), "a/b; charset=utf-7"),
        *(
            Attack(f"no UTF-8: {raw.hex()}", callback('"@"').encode().replace(b"@", raw), with_note(guessed))
            for raw, guessed in {
                b"\xff": "ÿ",
                b"\xc0\xa2": "\u05b0¢",
                b"\xed\xa0\x80": "ם\xa0€",
                b"\xf4\x90\x80\x80": "ô\x90\x80\x80",
                b"\xe2\x82": "ג\u201a",
            }.items()
        ),
        Attack("a broken character outside of text", callback("\x01").encode().replace(b"\x01", b"\xff")),
        Attack("a broken character at the end", callback("1").encode() + b"\xe2\x80"),
        Attack("NULs around the document", b"\0" + callback("1").encode() + b"\0\0", EITHER),
    ]  # fmt: skip


def _truncated() -> list[Attack]:
    whole = callback(f'["{HEBREW}", {{"a": -1.5e3}}, true, null, {_u("d83d", "de00")}]').encode()
    return [Attack(f"cut after {end} bytes", whole[:end]) for end in range(1, len(whole), 3)]


def _name(text: str) -> str:
    return ascii(text) if len(text) < 40 else f"{text[:40]!a} and on, {len(text)} characters"


def _depth(text: str, value: object) -> object:
    return EITHER if value == "depth" else with_note(value)


ATTACKS = [
    *(Attack(_name(text), callback(text).encode(), _depth(text, value)) for text, value in _STRICT.items()),
    *(Attack(_name(text), callback(text).encode(), with_note(value)) for text, value in _TOLERATED.items()),
    *(Attack(_name(text), callback(text).encode()) for text in _BROKEN),
    *(Attack(name, text.encode()) for name, text in _WHOLE_BROKEN.items()),
    *(Attack(name, text.encode(), EITHER) for name, text in _MANY.items()),
    *_encoded(),
    *_truncated(),
    Attack("white space alone", b" \t\r\n", REFUSED, "application/json"),
    Attack("nothing", b"", REFUSED, "application/json"),
    Attack("an empty array", b"[]", []),
    Attack("an array in an array", b"[[]]", [[]]),
    Attack("text at the top", b'"text"', {'"text"': ""}),
    Attack("a number at the top", b"-1", {"-1": ""}),
    Attack("null at the top", b"null", {"null": ""}),
    Attack("closing brackets alone", b"]", {"]": ""}),
    Attack("a comment at the top", b"//a\n[]", {"//a\n[]": ""}),
]
