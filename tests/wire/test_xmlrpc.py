"""XML-RPC: read tolerantly, written strictly."""

import math
import re
import xmlrpc.client
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import WireError
from receiver.providers.base.samples import Sample, find_samples
from receiver.wire import fast_xmlrpc
from receiver.wire.fast_xmlrpc import ShapeCache
from receiver.wire.message import DEFAULT_LIMITS, MAX_DEPTH, BodyLimits
from receiver.wire.xmlrpc import Response, read_call, read_response, write_call, write_fault, write_response

TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff", min_codepoint=32)
) | st.sampled_from(["", " ", "\t\n", "]]>", "<&>", "שלום", "\U0001f4a9"])
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)).map(  # noqa: DTZ001 - XML-RPC's moments have no zone
    lambda moment: moment.replace(microsecond=0, fold=0)
)
SCALARS = (
    TEXT
    | st.integers(-(2**31), 2**31 - 1)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary()
    | MOMENTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


def _read_by_python(body: bytes) -> Any:
    (value,), _ = xmlrpc.client.loads(body, use_builtin_types=True)
    return value


@given(VALUES)
def test_what_python_writes_is_read_back_equal(value: Any) -> None:
    """Structs, arrays and every scalar type of the standard library's writer."""
    text = xmlrpc.client.dumps((value,), "CDR", allow_none=True)
    call = read_call(text)
    assert (call.method, call.params) == ("CDR", (value,))
    assert repr(call.params) == repr((value,))


@given(VALUES)
def test_what_we_write_is_read_back_equal_by_python_and_by_us(value: Any) -> None:
    """Calls and responses alike."""
    assert repr(_read_by_python(write_call("CDR", value))) == repr(value)
    assert repr(_read_by_python(write_response(value))) == repr(value)
    assert repr(read_call(write_call("CDR", value).decode()).params) == repr((value,))
    assert repr(read_response(write_response(value).decode()).value) == repr(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_of_64_bits_survive_where_the_standard_library_overflows(number: int) -> None:
    """Replays need our own writer (A-14)."""
    assert read_call(write_call("CDR", number).decode()).params == (number,)
    assert _read_by_python(write_call("CDR", number)) == number


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, object(), {1, 2}, "\x00", "\x0b", "\ud800", "\ufffe", {"a\x01": 1}]
)
def test_what_xml_cannot_carry_is_not_written(value: object) -> None:
    """Our own error is raised; broken XML is never written."""
    with pytest.raises(WireError):
        write_response(value)


@pytest.mark.parametrize("text", ["", "a\r\nb", "a\rb", "<&>\"'", "]]>", "\t", "שלום"])
def test_text_is_preserved_exactly(text: str) -> None:
    """Also line ends, which XML would normalise."""
    assert _read_by_python(write_response(text)) == text
    assert read_response(write_response({text: text}).decode()).value == {text: text}


def test_a_fault_has_its_code_and_text() -> None:
    """Written for Python's parser, read by ours."""
    body = write_fault(-32601, "unknown <method>")
    with pytest.raises(xmlrpc.client.Fault, match="unknown <method>"):
        xmlrpc.client.loads(body)
    assert read_response(body.decode()) == Response(fault_code=-32601, fault_text="unknown <method>")


def _value(typed: str) -> Any:
    body = f"<methodCall><methodName>m</methodName><params><param><value>{typed}</value></param></params></methodCall>"
    (value,) = read_call(body).params
    return value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("<int>12</int>", 12),
        ("<int> +12\n</int>", 12),
        ("<int>-0</int>", 0),
        ("<int/>", None),
        ("<int>12a</int>", "12a"),
        ("<int>1_2</int>", "1_2"),
        ("<int>٣</int>", "٣"),
        ("<int>1.0</int>", "1.0"),
        ("<int>99999999999999999999999</int>", "99999999999999999999999"),
        ("<ex:i8>9</ex:i8>", 9),
        ("<double>1.5</double>", 1.5),
        ("<double>-.5e3</double>", -500.0),
        ("<double>nan</double>", "nan"),
        ("<double>inf</double>", "inf"),
        ("<double>1e9999</double>", "1e9999"),
        ("<double/>", None),
        ("<boolean>1</boolean>", True),
        ("<boolean>false</boolean>", False),
        ("<boolean>2</boolean>", "2"),
        ("<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>", datetime(1998, 7, 17, 14, 8, 55)),  # noqa: DTZ001 - XML-RPC's moments have no zone
        ("<dateTime.iso8601>soon</dateTime.iso8601>", "soon"),
        ("<base64>aGV5\n</base64>", b"hey"),
        ("<base64>*</base64>", "*"),
        ("<nil/>", None),
        ("<string> a </string>", " a "),
        (" a ", " a "),
        ("", ""),
        ("<string/>", ""),
        ("<color>red</color>", "red"),
        ("\n <string>a</string> \n", "a"),
        ("<STRING>a</STRING>", "a"),
        ("<array><data/></array>", []),
        ("<array><data><value>a</value><value><int>1</int></value></data></array>", ["a", 1]),
        ("<struct/>", {}),
        ("<struct><member><name>a</name><value/></member></struct>", {"a": ""}),
        ("<![CDATA[<a>]]>", "<a>"),
    ],
)
def test_a_value_is_read_tolerantly(typed: str, value: object) -> None:
    """A text that does not fit its tag stays text (A-13 to A-17)."""
    assert _value(typed) == value
    assert type(_value(typed)) is type(value)


@pytest.mark.parametrize(
    "body",
    [
        "<methodCall><params/></methodCall>",
        "<methodCall><methodName> </methodName></methodCall>",
        "<methodResponse><params/></methodResponse>",
        "<html/>",
        "<methodCall>",
        "<methodCall><methodName>m</methodCall>",
        "<methodCall><methodName>m</methodName><params><param/></params></methodCall>",
        "<methodCall><methodName>m</methodName><member><name>a</name></member></methodCall>",
        "<methodCall><methodName>m</methodName><name>a</name></methodCall>",
        "<methodCall/><methodCall/>",
        "text",
        "",
    ],
)
def test_what_is_not_a_call_is_rejected(body: str) -> None:
    """With our own error only."""
    with pytest.raises(WireError):
        read_call(body)


@pytest.mark.parametrize("member", ["<name>a</name>", "<value>1</value>", ""])
def test_a_member_needs_its_name_and_its_value(member: str) -> None:
    """Half a member is an error, not an empty field."""
    with pytest.raises(WireError, match="member"):
        _value(f"<struct><member><name>b</name><value>1</value></member><member>{member}</member></struct>")


def _nested(depth: int, kind: str) -> str:
    open_, close = {
        "array": ("<array><data><value>", "</value></data></array>"),
        "struct": ("<struct><member><name>a</name><value>", "</value></member></struct>"),
    }[kind]
    return open_ * depth + close * depth


@pytest.mark.parametrize("kind", ["array", "struct"])
def test_values_nest_to_a_limit(kind: str) -> None:
    """Values are read up to MAX_DEPTH; far beyond it they are rejected, at any size."""
    assert _value(_nested(MAX_DEPTH, kind))
    for depth in (4 * MAX_DEPTH, 5_000):
        with pytest.raises(WireError, match="deep"):
            _value(_nested(depth, kind))


def test_repeated_members_are_noted_if_they_differ() -> None:
    """The last value is used (A-20)."""
    twice = "".join(
        f"<member><name>{name}</name><value>{value}</value></member>" for name, value in ("a1", "b1", "a2", "b1")
    )
    call = read_call(
        f"<methodCall><methodName>m</methodName><params><param><value><struct>{twice}</struct></value></param></params></methodCall>"
    )
    assert call.params == ({"a": "2", "b": "1"},)
    assert call.repeated == ("a",)


@given(st.floats())
def test_a_double_is_written_unless_it_is_nan_or_infinite(number: float) -> None:
    """The specification has no form for NaN and infinity."""
    if math.isfinite(number):
        assert _read_by_python(write_response(number)) == number
    else:
        with pytest.raises(WireError):
            write_response(number)


@given(st.text(max_size=300))
def test_any_text_is_a_call_or_our_own_error(text: str) -> None:
    """The parser raises nothing else."""
    for read in (read_call, read_response):
        try:
            read(text)
        except WireError:
            continue


GUARDED = "<!-- the fast path leaves this to the parser -->"


@given(st.dictionaries(TEXT, TEXT | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False)))
def test_the_fast_path_and_the_parser_agree(members: dict[str, Any]) -> None:
    """Both return the same values."""
    text = xmlrpc.client.dumps((members,), "CDR").replace("\r", "&#13;") if _fits_an_int(members) else ""
    for written in filter(None, (text, write_call("CDR", members).decode() if _finite(members) else "")):
        assert fast_xmlrpc.read(written, DEFAULT_LIMITS) is not None or "&#13;" in written
        assert repr(read_call(written)) == repr(read_call(written + GUARDED))


@given(
    st.lists(st.tuples(TEXT, TEXT | st.just("7") | st.just("")), min_size=2, max_size=6),
    st.sampled_from(["", "string", "int", "empty string", "empty int", "empty value"]),
)
def test_a_text_of_a_known_shape_is_read_like_any_other(values: list[tuple[str, str]], type_: str) -> None:
    """The second text is read by the shape of the first one, without any value of the first."""
    shapes = ShapeCache()
    for first, second in values:
        text = CALL.replace("MEMBERS", _member("a&amp;0", first, type_) + _member("b", second, "") + EMPTY)
        assert repr(read_call(text, shapes=shapes)) == repr(read_call(text + GUARDED))
    assert len(shapes) == 1


def _member(name: str, value: str, type_: str) -> str:
    if type_.startswith("empty"):
        tag = type_.removeprefix("empty ")
        value = "<value/>" if tag == "value" else f"<value><{tag} /></value>"
        return f"<member><name>{name}</name>{value}</member>"
    opening, closing = (f"<{type_}>", f"</{type_}>") if type_ else ("", "")
    return f"<member><name>{name}</name><value>{opening}{escape(value)}{closing}</value></member>"


EMPTY = "<member><name>c</name><value> <string/>\n</value></member>"
CALL = (
    "<methodCall><methodName>CDR</methodName><params><param><value><struct>MEMBERS</struct></value></param></params>"
    "</methodCall>"
)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "&amp;&lt;&gt;&quot;&apos;",
        "&amp",
        "&#65;",
        "<b/>",
        "</string>",
        "]]>",
        "\r",
        "\x0c",
        "\ufffe",
        "x" * 70_000,
    ],
    ids=ascii,
)
def test_a_text_that_does_not_fit_a_known_shape_is_read_by_the_parser(value: str) -> None:
    """A value may contain text and the five references, as in a call of a new shape."""
    shapes = ShapeCache()
    texts = [PLAIN.replace("1 &amp; 2", each) for each in ("first", value)]
    assert [_outcome(text, shapes) for text in texts] == [_outcome(text + GUARDED) for text in texts]
    assert len(shapes) == 1


def _calls(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {f"a{number}": "", **dict.fromkeys(map(str, range(number % 40)), "x")}


def test_shapes_are_few_and_small() -> None:
    """A sender can use up neither memory nor the event loop's time with shapes."""
    shapes = ShapeCache(clock=lambda: 0.0)
    for many in _calls(4 * fast_xmlrpc.MAX_SHAPES):
        assert read_call(write_call("CDR", many).decode(), shapes=shapes).params == (many,)
    assert len(shapes) == fast_xmlrpc.MAX_SHAPES
    assert max(map(len, shapes._by_tags.values())) <= fast_xmlrpc.MAX_ALIKE
    shapes = ShapeCache()
    for large in (
        {"a" * fast_xmlrpc.MAX_SHAPE_CHARS: "x"},
        dict.fromkeys(map(str, range(fast_xmlrpc.MAX_MEMBERS + 1)), "x"),
    ):
        assert read_call(write_call("CDR", large).decode(), shapes=shapes).params == (large,)
    assert len(shapes) == 0


def test_a_full_cache_of_shapes_evicts_the_least_recently_used_one() -> None:
    """At most once in ten seconds, so that new shapes cost one compilation in that time."""
    now = [0.0]
    shapes = ShapeCache(clock=lambda: now[0])
    texts = [write_call("CDR", {name: "x"}).decode() for name in "abcdefgh"]
    for text in texts[: fast_xmlrpc.MAX_ALIKE]:
        read_call(text, shapes=shapes)
    assert shapes.read(texts[0]) is not None  # used again: the second is the oldest now
    read_call(texts[4], shapes=shapes)
    assert shapes.read(texts[4]) is not None
    assert shapes.read(texts[1]) is None
    read_call(texts[5], shapes=shapes)
    assert shapes.read(texts[5]) is None
    now[0] += fast_xmlrpc.EVICTION_SECONDS
    read_call(texts[5], shapes=shapes)
    assert shapes.read(texts[5]) is not None
    assert shapes.read(texts[0]) is not None


@pytest.mark.parametrize("sample", find_samples(format_="xmlrpc"), ids=lambda sample: sample.name)
def test_every_documented_call_takes_the_fast_path(sample: Sample) -> None:
    """With the document's own bytes: blanks between the tags, `<string />`, `<i8>`."""
    plain = fast_xmlrpc.read(sample.body.decode().strip(), DEFAULT_LIMITS)
    assert (plain is not None) or not sample.documented


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R&D", "R&D"),
        ("https://crm.example.com/?a=1&b=2", "https://crm.example.com/?a=1&b=2"),
        ("a & b &amp; c &#65;", "a & b & c A"),
        ("<![CDATA[x & y]]> & z", "x & y & z"),
        ("&", "&"),
        ("https://crm.example.com/?a=1&copy;b=2&lt;", "https://crm.example.com/?a=1&copy;b=2<"),
        ("&nbsp;&#65;&#x41;&#x;&#;&AMP;&amp;", "&nbsp;AA&#x;&#;&AMP;&"),
    ],
)
def test_a_bare_ampersand_is_repaired(text: str, value: str) -> None:
    """XML forbids it, but URLs with parameters and names of firms contain it. No entity is expanded."""
    call = read_call(PLAIN.replace("1 &amp; 2", text))
    assert value in call.params[0].values()
    assert call.repaired


@pytest.mark.parametrize("text", ["&#0;", "a & b <", "R&D" * 100_000])
def test_what_is_not_just_a_bare_ampersand_stays_broken(text: str) -> None:
    """References to characters that XML forbids, and large texts, are not repaired."""
    with pytest.raises(WireError):
        read_call(PLAIN.replace("1 &amp; 2", text))


def test_lone_surrogates_are_our_own_error() -> None:
    """Decoded bytes contain none, but the function accepts any text."""
    with pytest.raises(WireError, match="surrogates"):
        read_call(PLAIN.replace("1 &amp; 2", "\ud800"))


def _fits_an_int(members: dict[str, Any]) -> bool:
    return all(not isinstance(value, int) or abs(value) < 2**31 for value in members.values()) and _finite(members)


def _finite(members: dict[str, Any]) -> bool:
    return all(not isinstance(value, float) or math.isfinite(value) for value in members.values())


PLAIN = write_call("CDR", {"A": "1 & 2", "B": 7}).decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("<name>B", "<name>A"),
        ("7", "7</int><int>8"),
        ("<int>7</int>", "<i9>7</i9>"),
        ("<int>7</int>", " 7 "),
        ("<int>7</int>", "\n <int> 7\n</int>\n"),
        ("<int>7</int>", "<struct></struct>"),
        ("&amp;", "&nbsp;"),
        ("&amp;", "&"),
        ("&amp;", "&#65;"),
        ("&amp;", "]]>"),
        ("&amp;", "\r\n"),
        ("&amp;", "\x0c"),
        ("&amp;", "\ufffe"),
        ("><member>", ">\x0c<member>"),
        ("><member>", ">\xa0<member>"),
        ("</member></struct>", "</member>x</struct>"),
        ("</methodCall>", "</methodCall>x"),
        ("</methodCall>", "</methodCall><a/>"),
        ("</methodCall>", "</methodcall>"),
        ("</params>", "<param/></params>"),
        ("</params>", ""),
        ("<struct>", "<struct a='1'>"),
        ("<methodCall>", "<!DOCTYPE a><methodCall>"),
        ("<?xml", " <?xml"),
        ("<?xml", "<?XML"),
        ("utf-8", "8"),
        ("1.0", "2.0"),
    ],
)
def test_a_text_that_is_not_plain_is_read_by_the_parser(old: str, new: str) -> None:
    """Whatever the deviation, the result is the parser's."""
    text = PLAIN.replace(old, new, 1)
    read, guarded = _outcome(text), _outcome(text + GUARDED)
    assert read == guarded


def _outcome(text: str, shapes: ShapeCache | None = None) -> str:
    try:
        return repr(read_call(text, shapes=shapes))
    except WireError as error:
        return re.sub(r": (line|column).*", "", str(error).split(":")[0])


def _wide(count: int) -> str:
    return write_call("CDR", ["a"] * count).decode()


def test_what_a_document_holds_has_limits() -> None:
    """The number of elements, and the text of one element."""
    assert read_call(_wide(100), BodyLimits(elements=207)).params
    with pytest.raises(WireError, match="elements"):
        read_call(_wide(100), BodyLimits(elements=206))
    for values in ({"a": "x" * 11}, ["x" * 11], {"a": "&<" * 6}):
        written = write_call("CDR", values).decode()
        assert read_call(written, BodyLimits(text_chars=12)).params == (values,)
        with pytest.raises(WireError, match="text"):
            read_call(written, BodyLimits(text_chars=10))
