"""XML replies as trees."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import WireError
from receiver.wire import xmltree


def test_names_come_without_their_namespace() -> None:
    """And texts without the blanks around them."""
    root = xmltree.read(b'<a xmlns="urn:x"><B c="1"> two </B></a>')
    assert (root.name, root.namespace) == ("a", "urn:x")
    child = root.find("b")
    assert child is not None
    assert (child.text, child.attributes) == ("two", {"c": "1"})


@pytest.mark.parametrize(
    "broken",
    [
        b"<r s='f'><e code=101/></r>",
        b'<r s="f"><e code=101 b=2></e>',
        b'<?xml version="1.0" ?> <r s="f"> <e code=101/>',
    ],
)
def test_missing_quotes_and_closing_tags_are_repaired_on_request(broken: bytes) -> None:
    """Only then: a strict reader refuses them."""
    with pytest.raises(WireError):
        xmltree.read(broken)
    found = xmltree.read(broken, repair=True).find("e")
    assert found is not None
    assert found.attributes["code"] == "101"


@pytest.mark.parametrize(
    "unsafe",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>" * 100 + b"</a>" * 100,
        b"",
        b"text",
    ],
)
@pytest.mark.parametrize("repair", [True, False])
def test_what_is_unsafe_or_no_xml_is_refused(unsafe: bytes, repair: bool) -> None:
    """Documents type definitions, entities, deep nesting (A-25)."""
    with pytest.raises(WireError):
        xmltree.read(unsafe, repair=repair)


def test_a_long_text_is_not_repaired() -> None:
    """Broken XML is written by hand, and short."""
    with pytest.raises(WireError):
        xmltree.read(b"<a>" + b"x" * xmltree.MAX_REPAIRED_CHARS, repair=True)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing else comes out."""
    with contextlib.suppress(WireError):
        xmltree.read(body, repair=True)


@given(st.text(alphabet="<>/abr= \"'&;!?-[]x1", max_size=120))
def test_any_markup_is_read_or_refused(text: str) -> None:
    """In a bounded time."""
    with contextlib.suppress(WireError):
        xmltree.read(text.encode(), repair=True)
