"""Bytes to text: by declaration, by the bytes, or repaired."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.wire.charset import decode

HEBREW = "<a>שלום</a>"


def _declared(name: str, encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{name}"?>{HEBREW}'.encode(encoding)


@pytest.mark.parametrize(
    ("body", "charset", "notes"),
    [
        (HEBREW.encode(), None, ()),
        (HEBREW.encode("utf-8-sig"), None, ()),
        (HEBREW.encode("utf-8-sig"), "windows-1255", ()),
        (HEBREW.encode("utf-16"), None, ()),
        (HEBREW.encode("utf-16"), "utf-8", ()),
        (HEBREW.encode("utf-16-le"), None, ()),
        (HEBREW.encode("utf-16-be"), None, ()),
        (HEBREW.encode("utf-32"), None, ()),
        (HEBREW.encode("windows-1255"), "windows-1255", ()),
        (HEBREW.encode("windows-1255"), "Windows-1255", ()),
        (HEBREW.encode("iso-8859-8"), "iso-8859-8", ()),
        (HEBREW.encode("windows-1255"), None, ("charset:windows-1255",)),
        (HEBREW.encode("windows-1255"), "utf-8", ("charset:windows-1255",)),
        (HEBREW.encode("windows-1255"), "us-ascii", ("charset:windows-1255",)),
        (HEBREW.encode(), "us-ascii", ("charset_ignored:us-ascii",)),
        (HEBREW.encode(), "ISO-8859-1", ("charset_ignored:ISO-8859-1",)),
        (HEBREW.encode(), "windows-1255", ("charset_ignored:windows-1255",)),
        (HEBREW.encode(), "iso-8859-8", ("charset_ignored:iso-8859-8",)),
        (HEBREW.encode(), "nonsense", ("charset_ignored:nonsense",)),
        (HEBREW.encode(), "utf-7", ("charset_ignored:utf-7",)),
        (HEBREW.encode(), "utf-16", ("charset_ignored:utf-16",)),
        (HEBREW.encode(), "rot13", ("charset_ignored:rot13",)),
        (HEBREW.encode(), "zip", ("charset_ignored:zip",)),
        (HEBREW.encode(), "unicode_escape", ("charset_ignored:unicode_escape",)),
        (HEBREW.encode(), "idna", ("charset_ignored:idna",)),
        (HEBREW.encode(), "", ("charset_ignored:",)),
        (HEBREW.encode(), "\0", ("charset_ignored:\0",)),
        (HEBREW.encode(), "x" * 100, ("charset_ignored:" + "x" * 40,)),
    ],
)
def test_text_is_decoded_whatever_is_declared(body: bytes, charset: str | None, notes: tuple[str, ...]) -> None:
    """A BOM or the bytes take precedence; each deviation is noted (A-11)."""
    decoded = decode(body, charset)
    assert (decoded.text, decoded.notes) == (HEBREW, notes)


@pytest.mark.parametrize(
    ("name", "encoding", "notes"),
    [
        ("utf-8", "utf-8", ()),
        ("windows-1255", "windows-1255", ()),
        ("ISO-8859-8", "iso-8859-8", ()),
        ("utf-16", "utf-16", ()),
        ("utf-16", "utf-8", ("charset_ignored:utf-16",)),
        ("utf-7", "utf-8", ("charset_ignored:utf-7",)),
        ("utf-8", "windows-1255", ("charset:windows-1255",)),
        ("windows-1255", "utf-8", ("charset_ignored:windows-1255",)),
        ("ISO-8859-1", "utf-8", ("charset_ignored:ISO-8859-1",)),
        ("windows-1255", "utf-8-sig", ()),
    ],
)
def test_an_xml_declaration_is_used_unless_the_bytes_contradict_it(
    name: str, encoding: str, notes: tuple[str, ...]
) -> None:
    """It takes precedence over the header's charset."""
    decoded = decode(_declared(name, encoding), "iso-8859-1")
    assert decoded.text.endswith(HEBREW)
    assert decoded.notes == notes


def test_utf_7_never_hides_markup() -> None:
    """Text that utf-7 would decode to a tag stays plain text."""
    hidden = b'<?xml version="1.0" encoding="utf-7"?>+ADw-a+AD4-'
    assert decode(hidden).text == hidden.decode()


@pytest.mark.parametrize(
    ("fallbacks", "text", "note"), [(("windows-1255", "latin-1"), "ש", "windows-1255"), (("latin-1",), "ù", "latin-1")]
)
def test_the_first_fallback_that_fits_is_used(fallbacks: tuple[str, ...], text: str, note: str) -> None:
    """Each provider has its own (G-18)."""
    decoded = decode(b"\xf9", None, fallbacks)
    assert (decoded.text, decoded.notes) == (text, (f"charset:{note}",))


def test_latin_1_accepts_what_hebrew_windows_does_not() -> None:
    """The last fallback never fails."""
    assert decode(b"\xff\x80\xd9").notes == ("charset:latin-1",)


@given(
    st.binary(max_size=60),
    st.none() | st.text(max_size=20) | st.sampled_from(["utf-8", "utf-16", "cp037", "utf-32-be"]),
)
def test_decoding_never_fails(body: bytes, charset: str | None) -> None:
    """Any bytes with any declaration are decoded to text."""
    assert isinstance(decode(body, charset).text, str)


@given(st.text())
def test_utf_8_is_the_default(text: str) -> None:
    """Without a declaration UTF-8 is used, unless the bytes look like UTF-16."""
    body = text.encode("utf-8", "ignore")
    if not text.startswith("\ufeff") and b"\0" not in body[:2]:
        assert decode(body).text == body.decode()
