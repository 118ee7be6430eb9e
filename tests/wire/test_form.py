"""Forms: urlencoded bodies, query strings and multipart."""

import tracemalloc
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from receiver.errors import WireError
from receiver.wire.form import read_multipart, read_urlencoded
from receiver.wire.message import DEFAULT_LIMITS

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HEADER = 'multipart/form-data; boundary="b-1"'


def _multipart(pairs: list[tuple[str, str]], boundary: str = "b-1", more: str = "") -> bytes:
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, value in pairs
    )
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


@example({"0": "<\0"})
@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=8))
def test_fields_survive_the_url_encoding(fields: dict[str, str]) -> None:
    """Any character, empty values too."""
    assert read_urlencoded(urlencode(fields).encode()) == (fields, ())


@given(st.text("ab%4F=+& ;é", max_size=30))
def test_a_form_is_split_as_the_standard_library_splits_it(text: str) -> None:
    """Escapes whole and broken, empty pairs, names without a value."""
    pairs = parse_qsl(text.strip(), keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    assume(all(char < "\udc00" or char > "\udfff" for pair in pairs for word in pair for char in word))
    assert read_urlencoded(text.strip().encode())[0] == dict(pairs)


@given(st.dictionaries(st.text("abc_ -", min_size=1), st.text("abכ\r\n &=+%"), max_size=6))
def test_fields_survive_multipart(fields: dict[str, str]) -> None:
    """Also line ends and separators inside values."""
    body = _multipart(list(fields.items()))
    if fields:
        assert read_multipart(body, HEADER) == (fields, ())


@pytest.mark.parametrize(
    ("body", "fields", "notes"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}, ()),
        ("a=", {"a": ""}, ()),
        ("a", {"a": ""}, ()),
        ("a=1&a=2", {"a": "2"}, ("repeated:a",)),
        ("a=1&a=1", {"a": "1"}, ()),
        ("a=1+2", {"a": "1 2"}, ()),
        ("a=1%2B2", {"a": "1+2"}, ()),
        ("a=%zz", {"a": "%zz"}, ()),
        ("a=b=c", {"a": "b=c"}, ()),
        ("&&a=1&", {"a": "1"}, ()),
        ("\r\na=1\r\n", {"a": "1"}, ()),
        ("a=%D7%A9", {"a": "ש"}, ()),
        ("a=%F9", {"a": "ש"}, ("charset:windows-1255",)),
        ("plain text", {"plain text": ""}, ()),
    ],
)
def test_urlencoded_bodies(body: str, fields: dict[str, str], notes: tuple[str, ...]) -> None:
    """Of a repeated name the last value is used; repairs are noted."""
    assert read_urlencoded(body.encode()) == (fields, notes)


def test_raw_bytes_in_a_form_are_decoded_like_escaped_ones() -> None:
    """As UTF-8, else as Hebrew Windows, or as the header declares."""
    assert read_urlencoded("a=שלום".encode())[0] == {"a": "שלום"}
    assert read_urlencoded("a=שלום".encode("windows-1255")) == ({"a": "שלום"}, ("charset:windows-1255",))
    assert read_urlencoded("a=é".encode("latin-1"), "iso-8859-1") == ({"a": "é"}, ())


@pytest.mark.parametrize("more", ["", '; filename="a.txt"'])
def test_a_part_with_a_file_is_a_field_too(more: str) -> None:
    """Its content is the value; its file name is ignored."""
    assert read_multipart(_multipart([("a", "1"), ("b", "x\r\ny")], more=more), HEADER)[0] == {"a": "1", "b": "x\r\ny"}


@pytest.mark.parametrize("header", ["", "multipart/form-data", "text/plain", "multipart/form-data; charset=utf-8"])
def test_without_a_declared_boundary_the_first_line_has_it(header: str) -> None:
    """The header is a hint only (A-02)."""
    assert read_multipart(_multipart([("a", "1")], boundary="----xyz"), header)[0] == {"a": "1"}


def test_a_part_given_twice_keeps_its_last_value() -> None:
    """As in the other formats (A-20)."""
    assert read_multipart(_multipart([("a", "1"), ("a", "2")]), HEADER) == ({"a": "2"}, ("repeated:a",))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--b-1",
        b"--b-1\r\n",
        b"no boundary",
        _multipart([("a", "1")])[:-6],
        b"--b-1\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b-1--\r\n",
        b"--b-1\r\nContent Disposition\r\n\r\n1\r\n--b-1--\r\n",
        b"--b-1\r\n\r\n1\r\n--b-1--\r\n",
    ],
)
def test_broken_multipart_forms_are_rejected(body: bytes) -> None:
    """With our own error only."""
    with pytest.raises(WireError):
        read_multipart(body, HEADER)


def test_the_number_of_fields_is_limited() -> None:
    """In both encodings."""
    pairs = [(f"n{index}", "1") for index in range(DEFAULT_LIMITS.form_fields + 1)]
    assert len(read_urlencoded(urlencode(pairs[:-1]).encode())[0]) == DEFAULT_LIMITS.form_fields
    assert len(read_multipart(_multipart(pairs[:-1]), HEADER)[0]) == DEFAULT_LIMITS.form_fields
    with pytest.raises(WireError, match="fields"):
        read_urlencoded(urlencode(pairs).encode())
    with pytest.raises(WireError, match="fields"):
        read_multipart(_multipart(pairs), HEADER)


@pytest.mark.parametrize("value", ["%", "%4", "%41", "%zz", "+"])
def test_escapes_do_not_multiply_the_memory(value: str) -> None:
    """A form of valid or broken escapes needs at most forty times its size."""
    body = b"a=" + value.encode() * 100_000
    tracemalloc.start()
    try:
        read_urlencoded(body)
        assert tracemalloc.get_traced_memory()[1] < 40 * len(body)
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_our_own_error(body: bytes) -> None:
    """Almost any bytes are an urlencoded form."""
    read_urlencoded(body)
    for each in (body, b"--b-1\r\n" + body, _multipart([("a", "1")])[:-4] + body):
        try:
            read_multipart(each, HEADER)
        except WireError:
            continue
