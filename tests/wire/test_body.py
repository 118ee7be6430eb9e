"""Detection of formats, and parsing that raises nothing but our own error."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import WireError
from receiver.providers.base.contract import CallbackRequest, Provider
from receiver.providers.base.discovery import discover
from receiver.providers.base.samples import Sample, find_samples
from receiver.wire import Format, Message, detect_format, read
from receiver.wire.xmlrpc import write_call

SAMPLES = [sample for sample in find_samples() if sample.body]
LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
CONTENT_TYPES = st.sampled_from(
    ["", "text/xml", "application/json; charset=windows-1255", "multipart/form-data; boundary=b", "x; charset"]
) | st.builds(
    "{}{}".format,
    st.sampled_from(["", "a/b; charset=", 'x; charset="', "x; charset*=", "multipart/form-data; boundary="]),
    LATIN,
)
SPICE = st.sampled_from(
    [
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"<",
        b">",
        b"&",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b"]]>",
        b"<!DOCTYPE a>",
        b"--b",
        b"%",
        b"\\ud800",
        b"</value>",
        b"<struct>",
        b"999999999999999999999999",
    ]
) | st.binary(max_size=8)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Sample, bytes]:
    """A sample's body with up to four cuts, repeats or insertions."""
    sample = draw(st.sampled_from(SAMPLES))
    body = sample.body
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
        middle = draw(st.sampled_from([b"", body[start:end] * 2]) | SPICE)
        body = body[:start] + middle + (body[end:] if draw(st.booleans()) else body[start:])
    return sample, body


@pytest.mark.parametrize(
    ("body", "content_type", "format_"),
    [
        (b"<methodCall/>", "", Format.XMLRPC),
        (b"\n \t<?xml version='1.0'?>", "application/json", Format.XMLRPC),
        (b"\xef\xbb\xbf<a/>", "", Format.XMLRPC),
        ("<a/>".encode("utf-16"), "", Format.XMLRPC),
        ("{}".encode("utf-16-be"), "", Format.JSON),
        (b"{}", "text/xml", Format.JSON),
        (b" [1]", "", Format.JSON),
        (b"a=1", "application/json", Format.FORM),
        (b"", "", Format.FORM),
        (b"--b\r\nContent-Disposition: form-data", "", Format.MULTIPART),
        (b"--b\r\n", "multipart/form-data; boundary=b", Format.MULTIPART),
        (b"--b", "", Format.FORM),
        (b"a=1", "multipart/form-data; boundary=b", Format.FORM),
    ],
)
def test_the_first_byte_decides_the_format(body: bytes, content_type: str, format_: Format) -> None:
    """Blanks and byte order marks before it are ignored (A-02)."""
    assert detect_format(body, content_type) is format_


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (write_call("CDR", {"a": 1}), Message(Format.XMLRPC, {"a": 1}, "CDR")),
        (write_call("CDR", "text", {"a": 1}, {"b": 2}), Message(Format.XMLRPC, {"a": 1}, "CDR")),
        (write_call("CDR", [{"a": 1}]), Message(Format.XMLRPC, [{"a": 1}], "CDR")),
        (write_call("CDR", [1], {"a": 1}), Message(Format.XMLRPC, {"a": 1}, "CDR")),
        (write_call("CDR", "text"), Message(Format.XMLRPC, None, "CDR")),
        (write_call("CDR"), Message(Format.XMLRPC, None, "CDR")),
        (b'{"a": 1}', Message(Format.JSON, {"a": 1})),
        (b"{a: 1}", Message(Format.JSON, {"a": 1}, notes=("lenient_json",))),
        (b"[]", Message(Format.JSON, [])),
        (b"a=1", Message(Format.FORM, {"a": "1"})),
    ],
)
def test_a_message_has_its_values_method_and_notes(body: bytes, message: Message) -> None:
    """Of XML-RPC's params the first struct counts, else the first array (A-23)."""
    assert read(body) == message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", ['{"a": "שלום"}', write_call("CDR", {"a": "שלום"}).decode()[39:]], ids=["json", "xml"])
def test_unicode_is_read_in_every_encoding(text: str, encoding: str) -> None:
    """With a byte order mark, in UTF-16 also without one (A-11)."""
    assert read(text.encode(encoding)).values == {"a": "שלום"}


@pytest.mark.parametrize(
    ("content_type", "notes"),
    [
        ("application/json; charset=windows-1255", ()),
        ('application/json; CHARSET="windows-1255"', ()),
        ("application/json", ("charset:windows-1255",)),
        ("application/json; charset=", ("charset:windows-1255",)),
        ("application/json; charset=utf-8", ("charset:windows-1255",)),
    ],
)
def test_the_headers_charset_is_used(content_type: str, notes: tuple[str, ...]) -> None:
    """If it is wrong or missing, the text is decoded correctly nevertheless."""
    message = read('{"a": "שלום"}'.encode("windows-1255"), content_type)
    assert message.values == {"a": "שלום"}
    assert message.notes[-1:] == notes


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"{", b"<", b"<a/>", b"[1", b"\xef\xbb\xbf{", b"<!DOCTYPE a><a/>"])
def test_what_cannot_be_read_is_the_senders_fault(body: bytes) -> None:
    """It raises our own error, and nothing else."""
    with pytest.raises(WireError):
        read(body)


@pytest.mark.parametrize(
    "parameter", ["charset*=a; charset*1=b", f"charset*{'9' * 5000}=a", "charset*=a\0b''c", "charset*=zip''c"]
)
def test_a_charset_that_breaks_its_parser_counts_as_none(parameter: str) -> None:
    """The body is read, whatever the header is."""
    assert read(b'{"a": 1}', f"application/json; {parameter}").values == {"a": 1}


@pytest.mark.parametrize("content_type", ["\u0101", "multipart/form-data; boundary=\u05e9", "a/b; charset=\u05e9"])
def test_a_header_of_any_characters_is_only_a_hint(content_type: str) -> None:
    """HTTP headers are limited to latin-1, but stored or replayed ones are not."""
    assert read(b'{"a": 1}', content_type).values == {"a": 1}
    with pytest.raises(WireError):
        read(b"--b\r\nContent-Disposition: form-data\r\n", content_type)


@given(
    st.binary(max_size=200) | st.builds(lambda start, rest: start + rest, SPICE, st.binary(max_size=100)), CONTENT_TYPES
)
def test_any_bytes_are_a_message_or_our_own_error(body: bytes, content_type: str) -> None:
    """Whatever the header declares."""
    try:
        message = read(body, content_type)
    except WireError:
        return
    assert message.format is detect_format(body, content_type)


@given(damaged(), CONTENT_TYPES)
@settings(max_examples=300)
def test_damaged_samples_are_a_message_or_our_own_error(damage: tuple[Sample, bytes], content_type: str) -> None:
    """The parsers' own errors are translated."""
    try:
        read(damage[1], content_type)
    except WireError:
        return


PROVIDERS = {name: provider(provider.options_type()) for name, provider in discover().items()}


def _reads(provider: Provider[Any], path: str, body: bytes, content_type: str, query: bytes) -> None:
    request = CallbackRequest(provider.endpoint_of(path), "POST", path, query, (("content-type", content_type),), body)
    parsed = provider.read(request)
    assert parsed.callbacks
    for item in parsed.callbacks:
        assert (item.event is None) == (item.fault is not None)
        assert item.content_hash
        if item.event is not None and (record := provider.record(item.event)) is not None:
            record.as_json()
        assert item.call_id == (item.event.call_id if item.event else "")
    again = provider.read(request)
    assert again == parsed
    assert [item.event for item in again.callbacks] == [item.event for item in parsed.callbacks]


@given(damaged(), CONTENT_TYPES)
@settings(max_examples=300)
def test_every_provider_reads_damaged_samples_without_raising(damage: tuple[Sample, bytes], content_type: str) -> None:
    """Each is an event or a fault with its reason, and equal when parsed again."""
    sample, body = damage
    for provider in PROVIDERS.values():
        _reads(provider, sample.target.partition("?")[0], body, content_type, b"")


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({name for provider in PROVIDERS.values() for kind in provider.kinds for name in kind.event._names})


@given(st.dictionaries(st.sampled_from([*FIELDS, "METHOD", "DATA", "var_x"]), JSON_VALUES, max_size=6), st.data())
@settings(max_examples=300)
def test_every_provider_reads_any_value_in_any_field_without_raising(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    """No value loses a record by an error of ours."""
    body = json.dumps(fields).encode()
    for provider in (one for one in PROVIDERS.values() if one.endpoints):
        path = data.draw(st.sampled_from(provider.endpoints)).path
        _reads(provider, f"{provider.path}/{path}", body, "", b"")


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_every_provider_reads_any_bytes_without_raising(body: bytes, query: bytes) -> None:
    """In the body and in the query, at every endpoint."""
    for provider in PROVIDERS.values():
        for endpoint in provider.endpoints:
            _reads(provider, f"{provider.path}/{endpoint.path}", body, "", query)


@pytest.mark.parametrize("digits", [20, 400, 5_000, 100_000])
def test_huge_numbers_lose_at_most_their_field(digits: int) -> None:
    """Python's limit on digits has no effect."""
    number = b"9" * digits
    for body in (
        b'{"userid": "1", "caller": "1", "time": %s, "leg": %s}' % (number, number),
        b"userid=1&caller=1&time=" + number,
    ):
        for provider in PROVIDERS.values():
            _reads(provider, provider.path, body, "", b"")
