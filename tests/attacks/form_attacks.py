"""Malformed and hostile forms, urlencoded and multipart."""

from tests.attacks.attack import CALLER, EITHER, REFUSED, Attack, with_note

LONG = 200_000
HEADER = "multipart/form-data; boundary=b"
HEBREW = "שלום"


def part(name: str, value: str, more: str = "") -> str:
    """A part of a multipart form."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def parts(*more: str, end: str = "--b--\r\n") -> str:
    """A multipart form that begins with a CDR's caller."""
    return part("ivruniqueid", CALLER["ivruniqueid"]) + "".join(more) + end


def form(note: str) -> str:
    """An urlencoded CDR whose note is this."""
    return f"ivruniqueid={CALLER['ivruniqueid']}&note={note}"


_NOTES = {
    "%": "%", "%4": "%4", "%zz": "%zz", "%%41": "%A", "%u0041": "%u0041", "%41%4": "A%4", "%25%34%31": "%41",
    "%00": "\0", "a%00b": "a\0b", "\0": "", "a\0b": "a\0b", "%0d%0aX: y": "\r\nX: y", "a;b=c": "a;b=c",
    "a=b=c": "a=b=c", "+%2B+": " + ", "%2526": "%26", "%26b=c": "&b=c", "{}": "{}", "%D7%A9": "ש", "%F9": "ש",
    "%ED%A0%80": "ם\xa0€", "%C0%AF": "\u05b0¯", "%EF%BF%BF": "\uffff", "..%2f..%2fetc%2fpasswd": "../../etc/passwd",
    "${jndi:ldap://127.0.0.1:9/a}": "${jndi:ldap://127.0.0.1:9/a}", "' OR 1=1 --": "' OR 1=1 --", "note=": "note=",
}  # fmt: skip
_URLENCODED: list[tuple[str, str, object]] = [
    ("no name", f"=1&{form('x')}", {"": "1", **with_note("x")}),
    ("no equals sign", f"{form('x')}&alone", {**with_note("x"), "alone": ""}),
    ("nothing but separators", "&&&", {}),
    ("separators around", f"&&{form('x')}&&", with_note("x")),
    ("an equals sign alone", "=", {"": ""}),
    ("semicolons for separators", form("x").replace("&", ";"), {"ivruniqueid": f"{CALLER['ivruniqueid']};note=x"}),
    ("a name in brackets", f"{form('x')}&a[b][]=1", {**with_note("x"), "a[b][]": "1"}),
    ("a name twice", f"{form('y')}&note=x", with_note("x")),
    ("a name of escapes", form("x").replace("note", "%6E%6f%74%65"), with_note("x")),
    ("a broken escape in a name", form("x").replace("note", "no%te"), {**CALLER, "no%te": "x"}),
    ("a huge name", f"{form('x')}&{'n' * LONG}=1", {**with_note("x"), "n" * LONG: "1"}),
    ("a huge value", form("x" * LONG), with_note("x" * LONG)),
    ("very many broken escapes", form("%" * LONG), with_note("%" * LONG)),
    ("very many escapes", form("%41" * LONG), with_note("A" * LONG)),
    ("very many blanks", form("+" * LONG), with_note(" " * LONG)),
    ("very many equals signs", form("=" * LONG), with_note("=" * LONG)),
    ("too many fields", "&".join(f"a{number}=1" for number in range(100_000)), REFUSED),
    ("too many separators", "&" * 100_000, REFUSED),
    ("too many fields of one name", "a=1&" * 100_000, REFUSED),
    ("a quoted JSON text", '"{}"', {'"{}"': ""}),
    ("a boundary and nothing else", "--b", {"--b": ""}),
]
_MULTIPART: list[tuple[str, str, object]] = [
    ("a whole one", parts(part("note", HEBREW)), with_note(HEBREW)),
    ("text before the first boundary", f"preamble\r\n{parts(part('note', 'x'))}", EITHER),
    ("text after the last boundary", f"{parts(part('note', 'x'))}epilogue", with_note("x")),
    ("a second form after the last boundary", parts(part("note", "x")) + parts(part("note", "y")), with_note("x")),
    ("no last boundary", parts(part("note", "x"), end=""), REFUSED),
    ("half of the last boundary", parts(part("note", "x"), end="--b-"), REFUSED),
    ("another boundary at the end", parts(part("note", "x"), end="--c--\r\n"), REFUSED),
    ("another boundary in the header", parts(part("note", "x")).replace("--b", "--other"), with_note("x")),
    ("boundaries that begin alike", parts(part("note", "x\r\n--c\r\n--")), with_note("x\r\n--c\r\n--")),
    ("line feeds without carriage returns", parts(part("note", "x")).replace("\r\n", "\n"), EITHER),
    ("carriage returns without line feeds", parts(part("note", "x")).replace("\r\n", "\r"), REFUSED),
    ("no blank line after the headers", parts("--b\r\nContent-Disposition: form-data; name=note\r\nx\r\n"), REFUSED),
    ("a part without headers", parts("--b\r\n\r\nx\r\n"), REFUSED),
    ("a part without a name", parts("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n"), REFUSED),
    ("a part with another header alone", parts("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"), REFUSED),
    ("an empty name", parts(part("", "x")), {**CALLER, "": "x"}),
    ("a name without quotes", parts(part("note", "x")).replace('"note"', "note"), with_note("x")),
    ("a name without its end", parts(part("note", "x")).replace('"note"', '"note'), EITHER),
    ("a name with a quote", parts(part('no\\"te', "x")), {**CALLER, 'no"te': "x"}),
    ("a name with markup", parts(part("<no;te>", "x")), {**CALLER, "<no;te>": "x"}),
    ("a name with a NUL", parts(part("no\0te", "x")), EITHER),
    ("a name in another charset", parts(part("x", "x")).replace('name="x"', "name*=utf-7''n%6Fte"), REFUSED),
    ("two parameters that clash", parts(part("x", "x")).replace('name="x"', "name*=a; name*1=b"), REFUSED),
    ("two names", parts(part("y", "x", '; name="note"')), with_note("x")),
    ("two dispositions", parts(part("note", "x").replace("\r\n\r\n", "\r\nContent-Disposition: a; name=b\r\n\r\n")),
     EITHER),
    ("a file name that climbs", parts(part("note", "x", '; filename="../../etc/passwd"')), with_note("x")),
    ("a file name of Windows", parts(part("note", "x", '; filename="C:\\a\\b"')), with_note("x")),
    ("a charset that hides markup",
     parts(part("note", "+ADw-")).replace("\r\n\r\n+", "\r\nContent-Type: a/b; charset=utf-7\r\n\r\n+"),
     with_note("+ADw-")),
    ("a transfer encoding",
     parts(part("note", "eA==")).replace("\r\n\r\neA", "\r\nContent-Transfer-Encoding: base64\r\n\r\neA"),
     with_note("eA==")),
    ("a form in a part", parts(part("note", parts().replace("--b", "--c"))), with_note(parts().replace("--b", "--c"))),
    ("a form in a part, of the same boundary", parts(part("note", parts())), EITHER),
    ("a header on two lines", parts(part("note", "x", ";\r\n filename=a")), EITHER),
    ("a header without a colon", parts("--b\r\nContent-Disposition\r\n\r\nx\r\n"), REFUSED),
    ("a header without a name", parts("--b\r\n: form-data; name=note\r\n\r\nx\r\n"), REFUSED),
    ("a header with a NUL", parts(part("note", "x")).replace("Content-D", "Content\0D"), REFUSED),
    ("a name twice", parts(part("note", "y"), part("note", "x")), with_note("x")),
    ("a huge name", parts(part("n" * LONG, "x")), EITHER),
    ("a huge value", parts(part("note", "x" * LONG)), with_note("x" * LONG)),
    ("a huge header", parts(part("note", "x").replace("\r\n\r\n", f"\r\nX: {'y' * LONG}\r\n\r\n")), EITHER),
    ("very many headers", parts(part("note", "x").replace("\r\n\r\n", "\r\nX: y" * LONG + "\r\n\r\n")), EITHER),
    ("very many parameters", parts(part("note", "x", "; a=b" * LONG)), EITHER),
    ("very many semicolons", parts(part("note", "x", ";" * LONG)), EITHER),
    ("very many quotes", parts(part("note", "x", ';"' * LONG)), EITHER),
    ("very many parts", parts(*(part(f"a{number}", "x") for number in range(10_000))), REFUSED),
    ("very many almost boundaries", parts(part("note", "\r\n--" * LONG)), with_note("\r\n--" * LONG)),
    ("very many carriage returns", parts(part("note", "\r" * LONG)), with_note("\r" * LONG)),
]  # fmt: skip
_HEADERS: list[tuple[str, str, object]] = [
    ("a header that names no boundary", "multipart/form-data", with_note("x")),
    ("a header with an empty boundary", "multipart/form-data; boundary=", with_note("x")),
    ("a header with a huge boundary", f"multipart/form-data; boundary={'b' * 20_000}", with_note("x")),
    ("a header with another boundary", "multipart/form-data; boundary=other", with_note("x")),
    ("a header whose boundary breaks its parser", "multipart/form-data; boundary*=a; boundary*1=b", with_note("x")),
    ("a header with many semicolons", f"multipart/form-data{';' * 20_000}boundary=b", with_note("x")),
    ("a header of another type", "application/json", with_note("x")),
    ("no header", "", with_note("x")),
]
_CUT = parts(part("note", HEBREW)).encode()

ATTACKS = [
    *(Attack(f"a note of {text[:20]!r}", form(text).encode(), with_note(note)) for text, note in _NOTES.items()),
    Attack("an entity in a form", form("<a>&amp;").encode(), {**with_note("<a>"), "amp;": ""}),
    *(Attack(name, text.encode(), expected) for name, text, expected in _URLENCODED),
    Attack("Hebrew Windows", form(HEBREW).encode("windows-1255"), with_note(HEBREW)),
    Attack("UTF-8, declared as Hebrew Windows", form("%D7%A9").encode(), EITHER, "a/b; charset=windows-1255"),
    Attack("UTF-8 with its mark", form(HEBREW).encode("utf-8-sig"), with_note(HEBREW)),
    Attack("UTF-16", form("x").encode("utf-16"), EITHER),
    Attack("compressed bytes", bytes.fromhex("1f8b08000000000000034b04006d06d6a801000000"), EITHER),
    Attack("bytes of every value", bytes(range(256)), EITHER),
    *(Attack(f"multipart: {name}", text.encode(), expected, HEADER) for name, text, expected in _MULTIPART),
    *(Attack(f"multipart: {name}", parts(part("note", "x")).encode(), expected, header)
      for name, header, expected in _HEADERS),
    *(Attack(f"multipart: cut after {end} bytes", _CUT[:end], EITHER if end < 60 else REFUSED, HEADER)
      for end in range(1, len(_CUT) - 4, 5)),
]  # fmt: skip
