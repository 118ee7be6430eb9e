"""Reading replies: whatever comes, a result or one of our errors comes out."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.providers.base.api.errors import (
    MAX_KEPT_BYTES,
    ApiError,
    AuthorisationError,
    BadParameterError,
    NotFoundError,
    ProviderError,
    ProviderFailureError,
    ProviderReplyError,
    RateLimitError,
)
from tests.api.support import Example, at, read
from tests.api.table import TABLE
from tests.api.test_every_call import EXAMPLES

ANY_EXAMPLE = st.sampled_from(EXAMPLES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.provider}-{row.title}")
@pytest.mark.parametrize(
    "body", [b"", b"\0", b"not found", b"[1]", b"{}", b"<html><body>Oops</body></html>", b"<a>" * 99]
)
def test_a_reply_that_says_nothing_keeps_its_bytes(row: object, body: bytes) -> None:
    """So that somebody can find out what came."""
    with pytest.raises(ProviderReplyError) as raised:
        read(row.provider, row.title, body)  # type: ignore[attr-defined]  # checked when it runs
    assert (raised.value.body, raised.value.status) == (body, 200)


def test_a_long_reply_is_kept_in_part() -> None:
    """At most 64 KiB."""
    with pytest.raises(ProviderReplyError) as raised:
        read("voicenter", "dialer.add_call", b"x" * 1_000_000)
    assert len(raised.value.body) == MAX_KEPT_BYTES


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, ProviderError),
        (400, BadParameterError),
        (401, AuthorisationError),
        (403, AuthorisationError),
        (404, NotFoundError),
        (415, BadParameterError),
        (429, RateLimitError),
        (500, ProviderFailureError),
        (503, ProviderFailureError),
    ],
)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.provider}-{row.title}")
def test_without_a_code_the_http_status_counts(row: object, status: int, kind: type[ProviderError]) -> None:
    """A proxy's page, or no body at all."""
    for body in (b"", b"<html>proxy</html>"):
        with pytest.raises(ProviderError) as raised:
            read(row.provider, row.title, body, status)  # type: ignore[attr-defined]  # checked when it runs
        assert (type(raised.value), raised.value.code) == (kind, status)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_failed_http_status_beats_a_reply_that_says_ok(example: Example) -> None:
    """A result that only half came is none."""
    with pytest.raises(ProviderError):
        read(example.provider, example.title, example.reply, 500)


@given(ANY_EXAMPLE, st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_reply_is_read_or_raises_one_of_our_errors(example: Example, data: st.DataObject) -> None:
    """Cut off anywhere, with any byte replaced, with any status."""
    body = bytearray(example.reply)
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    with contextlib.suppress(ApiError):
        read(example.provider, example.title, cut, data.draw(st.sampled_from([200, 401, 500])))


@given(st.sampled_from(TABLE), st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_raise_one_of_our_errors(row: object, body: bytes) -> None:
    """Nothing else comes out."""
    with contextlib.suppress(ApiError):
        read(row.provider, row.title, body)  # type: ignore[attr-defined]  # checked when it runs


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one.reply.lstrip().startswith(b"{")], ids=lambda one: one.name
)
def test_unknown_fields_are_kept_and_break_nothing(example: Example) -> None:
    """A provider may add fields."""
    grown = example.reply.replace(b"{", b'{"NewField": {"a": [1]}, ', 1)
    result = read(example.provider, example.title, grown)
    assert result.extra["NewField"] == {"a": [1]}
    assert result.raw["NewField"] == {"a": [1]}
    assert {path: at(result, path) for path in example.read} == dict(example.read)


def test_a_value_of_a_wrong_type_is_none_and_named() -> None:
    """As in events (A-17)."""
    reply = b'{"ERROR_NUMBER": 0, "CDR_LIST": [{"Date": "yesterday", "Duration": "long", "CallID": 7}]}'
    row = read("voicenter", "calls.search", reply).calls[0]
    assert (row.date, row.duration_seconds, row.call_id) == (None, None, "7")
    assert row.unread == ("Date", "Duration")
    assert row.raw["Date"] == "yesterday"


@pytest.mark.parametrize("name", ["voicenter", "spokn", "viviphone", "anveo"])
def test_entities_are_refused(name: str) -> None:
    """A DTD is never read (A-25)."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>'
    row = next(row for row in TABLE if row.provider == name)
    with pytest.raises(ProviderReplyError):
        read(row.provider, row.title, bomb)
