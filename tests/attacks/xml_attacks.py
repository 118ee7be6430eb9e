"""XML that is hostile, declares itself wrongly, or is truncated."""

from tests.attacks.attack import CALLER, EITHER, REFUSED, Attack, with_note

FAR_DEPTH = 20_000
MANY = 20_000
LONG = 1_000_000
HEBREW = "שלום"


def member(name: str, value: str) -> str:
    """A member of a struct."""
    return f"<member><name>{name}</name><value>{value}</value></member>"


def params(value: str) -> str:
    """The params of a call, the only one holding a value."""
    return f"<params><param><value>{value}</value></param></params>"


def call(value: str = "x", before: str = "", after: str = "") -> str:
    """A CDR whose note is this piece of XML, with something before and after it."""
    struct = f"<struct>{member('ivruniqueid', CALLER['ivruniqueid'])}{member('note', value)}</struct>"
    return f"{before}<methodCall><methodName>CDR</methodName>{params(struct)}</methodCall>{after}"


def _declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


def _doctype(subset: str, entity: str = "a") -> str:
    return call(f"&{entity};" if entity else "x", f"<!DOCTYPE methodCall [{subset}]>")


def _laughs(levels: int = 10) -> str:
    ten = "&a#;" * 10
    entities = (f"<!ENTITY a{level} '{ten.replace('#', str(level - 1))}'>" for level in range(1, levels))
    return f'<!ENTITY a0 "ha">{"".join(entities)}'


_DTD = {
    "billion laughs": _doctype(_laughs(), "a9"),
    "billion laughs in an attribute": call('<int a="&a9;">1</int>', f"<!DOCTYPE methodCall [{_laughs()}]>"),
    "quadratic blow-up": call("&a;" * 5_000, f"<!DOCTYPE methodCall [<!ENTITY a '{'B' * 50_000}'>]>"),
    "entities in a circle": _doctype('<!ENTITY a "&b;"><!ENTITY b "&a;">'),
    "an entity of itself": _doctype('<!ENTITY a "&a;">'),
    "an external entity from a file": _doctype('<!ENTITY a SYSTEM "file:///etc/passwd">'),
    "an external entity from a relative file": _doctype('<!ENTITY a SYSTEM "receiver.toml">'),
    "an external entity over HTTP": _doctype('<!ENTITY a SYSTEM "http://127.0.0.1:9/a">'),
    "an external entity by public name": _doctype('<!ENTITY a PUBLIC "-//A//B//EN" "http://127.0.0.1:9/a">'),
    "an unparsed entity": _doctype('<!NOTATION n SYSTEM "n"><!ENTITY a SYSTEM "a.gif" NDATA n>', ""),
    "a parameter entity": _doctype('<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;', ""),
    "a parameter entity that makes an entity": _doctype("<!ENTITY % p \"<!ENTITY a 'x'>\"> %p;"),
    "a harmless entity": _doctype('<!ENTITY a "x">'),
    "an entity that nothing uses": _doctype('<!ENTITY a "x">', ""),
    "a DTD to fetch": call(before='<!DOCTYPE methodCall SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "a DTD to fetch by public name": call(
        before='<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://127.0.0.1:9/">'
    ),
    "a DTD with defaults for attributes": _doctype('<!ATTLIST value a CDATA "b">', ""),
    "a DTD with an element": _doctype("<!ELEMENT methodCall ANY>", ""),
    "an empty DTD": call(before="<!DOCTYPE methodCall>"),
    "a DTD that never ends": '<!DOCTYPE methodCall [<!ENTITY a "',
    "a DTD behind a declaration": call(before=f"{_declared('utf-8')}\n<!DOCTYPE methodCall>"),
    "a DTD behind a comment": call(before="<!-- --><!DOCTYPE methodCall>"),
    "a DTD behind an instruction": call(before="<?a b?><!DOCTYPE methodCall>"),
    "a DTD in lower case": call(before="<!doctype methodCall>"),
    "a DTD after the root": call(after="<!DOCTYPE methodCall>"),
    "a DTD inside of a value": call("<!DOCTYPE methodCall>"),
    "an entity outside of a DTD": call(before='<!ENTITY a "x">'),
}
_READ = {
    "an undeclared entity": (call("&a;"), "&a;"),
    "an entity of HTML": (call("&nbsp;"), "&nbsp;"),
    "an instruction for a style sheet": (call(before='<?xml-stylesheet href="http://127.0.0.1:9/"?>'), "x"),
    "an instruction with code": (call(before='<?php system("id"); ?>'), "x"),
    "an instruction inside of a value": (call("<int>5<?a b?>6</int>"), 56),
    "an inclusion": (call('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'), ""),
    "an inclusion by default": (call('<include xmlns="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'), ""),
    "a schema to fetch": (call('<string xsi:schemaLocation="http://127.0.0.1:9/ x.xsd" xmlns:xsi="x">a</string>'), "a"),
    "markup in a CDATA section": (call("<![CDATA[<int>5</int>&amp;]]>"), "<int>5</int>&amp;"),
    "CDATA sections that split their own end": (call("<![CDATA[]]]]><![CDATA[>]]>"), "]]>"),
    "CDATA inside of an integer": (call("<int><![CDATA[5]]></int>"), 5),
    "a comment inside of an integer": (call("<int>5<!-- , -->6</int>"), 56),
    "a comment around a value": (call("<!-- <int>5</int> --><int>6</int><!-- -->"), 6),
    "a namespace without prefix": (call().replace("<methodCall>", '<methodCall xmlns="http://example.com">'), "x"),
    "an undeclared prefix": (call("<a:b>5</a:b>"), "5"),
    "a prefix for an extension": (call('<ex:i8 xmlns:ex="http://ws.apache.org/xmlrpc">5</ex:i8>'), 5),
    "unexpected attributes": (call("<int type='string' xml:lang='he'>5</int>"), 5),
    "white space inside of tags": (call("<int\r\n >5</int\t>"), 5),
    "type names in odd cases": (call("<InT>5</InT>"), 5),
    "a value in a value": (call("<value>5</value>"), "5"),
    "an array without data": (call("<array><value>5</value></array>"), ["5"]),
    "a member twice": (call().replace("<member><name>note", member("note", "y") + "<member><name>note"), "x"),
    "escaped markup": (call("&lt;int&gt;5&lt;/int&gt;"), "<int>5</int>"),
    "markup escaped twice": (call("&amp;lt;&amp;#60;"), "&lt;&#60;"),
    "a reference to a tab": (call("&#9;&#x9;"), "\t\t"),
    "a reference to the last character": (call("&#x10FFFF;&#1114111;"), "\U0010ffff" * 2),
    "a reference with leading zeros": (call("&#00000000000000000065;"), "A"),
    "white space references only": (call("<string>&#32;&#13;&#10;</string>"), " \r\n"),
    "an empty reference": (call("&#;"), "&#;"),
    "a lone ampersand": (call("a & b"), "a & b"),
    "a reference without its end": (call("&lt"), "&lt"),
    "an integer of five thousand digits": (call(f"<int>{'9' * 5_000}</int>"), "9" * 5_000),
    "the widest integer": (call(f"<i8>{2**63 - 1}</i8>"), 2**63 - 1),
    "an integer too wide by one": (call(f"<i8>{2**63}</i8>"), str(2**63)),
    "the least integer": (call(f"<i8>{-(2**63)}</i8>"), -(2**63)),
    "an integer too low by one": (call(f"<i8>{-(2**63) - 1}</i8>"), str(-(2**63) - 1)),
    "an integer in hexadecimal": (call("<int>0x1F</int>"), "0x1F"),
    "an integer with underscores": (call("<int>1_000</int>"), "1_000"),
    "an integer in Arabic digits": (call("<int>٣</int>"), "٣"),
    "an integer with two signs": (call("<int>--5</int>"), "--5"),
    "a double out of range": (call("<double>1e400</double>"), "1e400"),
    "a double of almost nothing": (call("<double>1e-400</double>"), 0.0),
    "a double below zero by its sign alone": (call("<double>-0</double>"), -0.0),
    "a double of five thousand digits": (call(f"<double>{'9' * 5_000}</double>"), "9" * 5_000),
    "a double with an exponent of five digits": (call("<double>1e10000</double>"), "1e10000"),
    "a double that is none": (call("<double>nan</double>"), "nan"),
    "a double without end": (call("<double>-Infinity</double>"), "-Infinity"),
    "a double in hexadecimal": (call("<double>0x1p3</double>"), "0x1p3"),
    "a boolean that is none": (call("<boolean>yes</boolean>"), "yes"),
    "base64 that is none": (call("<base64>*not base64*</base64>"), "*not base64*"),
    "base64 in Hebrew": (call(f"<base64>{HEBREW}</base64>"), HEBREW),
    "base64 cut short": (call("<base64>a</base64>"), "a"),
    "a moment that never was": (call("<dateTime.iso8601>20261399T25:61:61</dateTime.iso8601>"), "20261399T25:61:61"),
    "a moment before all years": (call("<dateTime.iso8601>00000101T00:00:00</dateTime.iso8601>"), "00000101T00:00:00"),
    "another method in a value": (call("<string>&lt;methodName&gt;HANGUP_CALL</string>"), "<methodName>HANGUP_CALL"),
    "a million characters": (call("x" * LONG), "x" * LONG),
    "blanks and NULs around the document": (call(before="\0\0 \n", after="\r\n\0\0"), "x"),
    "a comment after the root": (call(after="<!-- the end -->"), "x"),
    "an instruction after the root": (call(after="<?a b?>"), "x"),
    "two byte order marks": (call(before="\ufeff\ufeff"), "x"),
}  # fmt: skip
_BROKEN = {
    "text after the root": call(after="x"),
    "a second root": call(after=call()),
    "an element after the root": call(after="<a/>"),
    "the end once more": call(after="</methodCall>"),
    "a control character after the root": call(after="\x1a"),
    "a reference after the root": call(after="&#32;"),
    "a byte order mark after the root": call(after="\ufeff"),
    "a NUL in a value": call("a\0b"),
    "a NUL in a name": call().replace("ivruniqueid", "call\0er"),
    "a control character in a value": call("a\x08b"),
    "a reference to NUL": call("&#0;"),
    "a reference to a control character": call("&#x1F;"),
    "a reference to a surrogate": call("&#xD800;"),
    "references to a pair of surrogates": call("&#xD83D;&#xDE00;"),
    "a reference to no character": call("&#xFFFE;&#xFFFF;"),
    "a reference beyond all characters": call("&#x110000;"),
    "a reference of a thousand digits": call(f"&#{'9' * 1_000};"),
    "a reference that overflows": call("&#x100000041;"),
    "the end of a CDATA section alone": call("]]>"),
    "a CDATA section that never ends": call("<![CDATA[x"),
    "a CDATA section before the root": call(before="<![CDATA[ ]]>"),
    "a comment that never ends": call("<!-- x"),
    "two hyphens in a comment": call("<!-- a -- b -->"),
    "an instruction that never ends": call("<?a b"),
    "an attribute twice": call("<int a='1' a='2'>5</int>"),
    "an attribute without quotes": call("<int a=1>5</int>"),
    "markup in an attribute": call("<int a='<'>5</int>"),
    "tags that cross": call("<a><b></a></b>"),
    "tags that differ in case": call("<int>5</INT>"),
    "a tag of no name": call("< >"),
    "a member without a name": call().replace("<name>note</name>", ""),
    "a member outside of a struct": call("<array><data><member/></data></array>"),
    "a name outside of a struct": call("<array><data><name>a</name></data></array>"),
    "a param without a value": "<methodCall><methodName>CDR</methodName><params><param/></params></methodCall>",
    "no method": call().replace("CDR", " \n"),
    "another root": "<!-- methodCall --><html><body>It works!</body></html>",
    "a response": call().replace("methodCall", "methodResponse"),
    "a prefix at the root": call().replace("methodCall", "a:methodCall"),
    "two declarations": call(before=_declared("utf-8") * 2),
    "a declaration in upper case": call(before='<?XML version="1.0"?>'),
    "an empty declaration": call(before="<?xml?>"),
    "a declaration without a version": call(before='<?xml encoding="utf-8"?>'),
    "a declaration that cannot decide": call(before='<?xml version="1.0" standalone="maybe"?>'),
    "a declaration after the root": call(after='<?xml version="1.0"?>'),
    "elements beyond all depth": call("<a>" * FAR_DEPTH + "</a>" * FAR_DEPTH),
    "elements that open and never close": call("<a>" * FAR_DEPTH),
    "arrays beyond the depth": call("<array><data><value>" * FAR_DEPTH + "</value></data></array>" * FAR_DEPTH),
    "structs beyond the depth": call("<struct><member><name>a</name><value>" * FAR_DEPTH),
}
_MANY = {
    "very many values": call(f"<array><data>{'<value/>' * MANY}</data></array>"),
    "very many empty structs": call(f"<array><data>{'<value><struct/></value>' * MANY}</data></array>"),
    "very many members": call(f"<struct>{''.join(member(f'n{n}', '') for n in range(MANY))}</struct>"),
    "very many members of one name": call(f"<struct>{''.join(member('n', str(n)) for n in range(MANY))}</struct>"),
    "very many params": f"<methodCall><methodName>CDR</methodName>{params('<int>1</int>') * MANY}</methodCall>",
    "very many unknown elements": call("<a/>" * MANY),
    "very many attributes": call(f"<int {' '.join(f'a{n}=' + repr('') for n in range(MANY))}>5</int>"),
    "very many declared prefixes": call(f"<int {' '.join(f'xmlns:a{n}=' + repr('x') for n in range(MANY))}>5</int>"),
    "very many references": call("&lt;" * 10 * MANY),
    "very many CDATA sections": call("<![CDATA[a]]>" * MANY),
    "very many comments": call("<!---->" * MANY),
    "very many comments without an end": call("&" + "<!--" * MANY),
    "very many CDATA sections without an end": call("&" + "<![CDATA[" * MANY),
    "very many instructions without an end": call("&" + "<?" * 5 * MANY),
    "very many instructions": call("<?a?>" * MANY),
    "very many lines": call("\r\n" * 10 * MANY),
    "very many lines of Hebrew": call("ש\n" * 10 * MANY),
    "a very long name of a tag": call(f"<{'a' * LONG}/>"),
    "a very long name of an attribute": call(f"<int {'a' * LONG}=''>5</int>"),
    "a very long attribute": call(f"<int a='{'b' * LONG}'>5</int>"),
    "a very long method": call().replace("CDR", "CDR" * LONG),
    "a very long name of a member": call().replace("note", "n" * LONG),
    "a very long comment": call(f"<!--{'x' * LONG}-->"),
    "a very long instruction": call(f"<?a {'x' * LONG}?>"),
    "very long base64": call(f"<base64>{'aGV5' * MANY}</base64>"),
    "very long base64 that is none": call(f"<base64>{'*' * LONG}</base64>"),
    "a very long integer": call(f"<int>{'9' * LONG}</int>"),
    "a very long double": call(f"<double>{'1' * LONG}e</double>"),
    "a very long moment": call(f"<dateTime.iso8601>{'1' * LONG}</dateTime.iso8601>"),
    "a very long tag without its end": call(f"<{'a' * LONG}"),
    "an integer in a string": call("<int><string>5</string></int>"),
    "a later version of XML": call(before='<?xml version="1.1"?>'),
    "base64 with more padding than it needs": call("<base64>aGV5====</base64>"),
}  # fmt: skip


def _spliced(raw: bytes) -> bytes:
    return call("@").encode().replace(b"@", raw)


def _guessed(raw: bytes) -> object:
    """Bytes that are not UTF-8 are text in Hebrew Windows or Latin-1, and never markup."""
    try:
        return with_note(raw.decode("windows-1255"))
    except UnicodeDecodeError:
        return with_note(raw.decode("latin-1"))


def _encoded() -> list[Attack]:
    hebrew = call(HEBREW)
    as_hebrew, as_x = with_note(HEBREW), with_note("x")
    cases = [
        *((f"{name} with its mark", hebrew.encode(name), as_hebrew) for name in ("utf-8-sig", "utf-16", "utf-32")),
        ("UTF-16 BE with its mark", b"\xfe\xff" + hebrew.encode("utf-16-be"), as_hebrew),
        ("UTF-32 BE with its mark", b"\0\0\xfe\xff" + hebrew.encode("utf-32-be"), as_hebrew),
        ("UTF-16 LE without a mark", hebrew.encode("utf-16-le"), as_hebrew),
        ("UTF-16 BE without a mark", hebrew.encode("utf-16-be"), as_hebrew),
        ("UTF-32 LE without a mark", hebrew.encode("utf-32-le"), EITHER),
        ("UTF-32 BE without a mark", hebrew.encode("utf-32-be"), EITHER),
        ("UTF-16 under a declaration of UTF-8", call(HEBREW, _declared("utf-8")).encode("utf-16"), as_hebrew),
        ("UTF-16 with half a character", hebrew.encode("utf-16")[:-1], EITHER),
        ("UTF-16 with half a pair", call("@").encode("utf-16-le").replace(b"@\0", b"\x3d\xd8"), EITHER),
        ("UTF-8 under a declaration of UTF-16", call(HEBREW, _declared("utf-16")).encode(), as_hebrew),
        ("UTF-8 under a declaration of UTF-32", call(HEBREW, _declared("utf-32")).encode(), as_hebrew),
        ("UTF-8 under a declaration of EBCDIC", call(before=_declared("cp037")).encode(), EITHER),
        ("UTF-8 under a declaration of UTF-7", call(HEBREW, _declared("utf-7")).encode(), as_hebrew),
        ("UTF-8 under a declaration of nothing", call(HEBREW, _declared("no-such-set")).encode(), as_hebrew),
        ("UTF-8 under a declaration of a codec", call(HEBREW, _declared("unicode_escape")).encode(), as_hebrew),
        ("UTF-8 under a declaration of compression", call(HEBREW, _declared("zlib_codec")).encode(), as_hebrew),
        ("UTF-8 with its mark, declared as ASCII", call(HEBREW, _declared("us-ascii")).encode("utf-8-sig"), as_hebrew),
        ("Hebrew Windows, declared", call(HEBREW, _declared("windows-1255")).encode("windows-1255"), as_hebrew),
        ("Hebrew Windows, undeclared", hebrew.encode("windows-1255"), as_hebrew),
        ("Hebrew Windows, declared as UTF-8", call(HEBREW, _declared("utf-8")).encode("windows-1255"), as_hebrew),
        ("Hebrew Windows, declared as ASCII", call(HEBREW, _declared("us-ascii")).encode("windows-1255"), as_hebrew),
        ("Hebrew ISO, declared", call(HEBREW, _declared("iso-8859-8")).encode("iso-8859-8"), as_hebrew),
        ("UTF-7 that hides markup", call("+ADw-int+AD4-5+ADw-/int+AD4-", _declared("utf-7")).encode(),
         with_note("+ADw-int+AD4-5+ADw-/int+AD4-")),
        ("UTF-7 that hides a document", call(before=_declared("utf-7")).replace("<m", "+ADw-m").encode(), REFUSED),
        ("EBCDIC", call().encode("cp037"), EITHER),
        ("EBCDIC, declared", call(before=_declared("cp037")).encode("cp037"), EITHER),
        ("overlong UTF-8 that hides markup", _spliced(b"\xc0\xbcint\xc0\xbe5"), _guessed(b"\xc0\xbcint\xc0\xbe5")),
        ("a NUL in overlong UTF-8", _spliced(b"\xc0\x80"), _guessed(b"\xc0\x80")),
        ("a pair of surrogates in UTF-8", _spliced(b"\xed\xa0\xbd\xed\xb8\x80"), _guessed(b"\xed\xa0\xbd\xed\xb8\x80")),
        ("UTF-8 beyond all characters", _spliced(b"\xf4\x90\x80\x80"), _guessed(b"\xf4\x90\x80\x80")),
        ("half a character of UTF-8", _spliced(b"\xe2\x82"), _guessed(b"\xe2\x82")),
        ("no character in UTF-8", _spliced("\uffff".encode()), EITHER),
        ("a charset in the header that lies", hebrew.encode(), EITHER),
        ("XML that says it is JSON", call().encode(), as_x),
    ]  # fmt: skip
    types = {
        "a charset in the header that lies": "text/xml; charset=cp037",
        "XML that says it is JSON": "application/json",
    }
    return [Attack(name, body, expected, types.get(name, "")) for name, body, expected in cases]


def _truncated() -> list[Attack]:
    whole = call(f"{HEBREW}<!-- --><![CDATA[ ]]>&amp;", _declared("utf-8")).encode()
    return [Attack(f"cut after {end} bytes", whole[:end]) for end in range(1, len(whole), 7)]


ATTACKS = [
    *(Attack(name, body.encode()) for name, body in _DTD.items()),
    Attack("a DTD in UTF-16", _DTD["billion laughs"].encode("utf-16")),
    Attack("a DTD in UTF-16 without a mark", _DTD["billion laughs"].encode("utf-16-be")),
    Attack("a DTD behind a mark", _DTD["billion laughs"].encode("utf-8-sig")),
    *(Attack(name, body.encode(), with_note(note)) for name, (body, note) in _READ.items()),
    *(Attack(name, body.encode()) for name, body in _BROKEN.items()),
    *(Attack(name, body.encode(), EITHER) for name, body in _MANY.items()),
    *_encoded(),
    *_truncated(),
]
