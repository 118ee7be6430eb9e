"""JSON: strict first, then one bounded tolerant pass."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import WireError
from receiver.wire import jsonbody
from receiver.wire.jsonbody import MAX_LENIENT_CHARS
from receiver.wire.message import MAX_DEPTH, MOST_NOTES, BodyLimits

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(VALUES)
def test_values_survive_writing_and_reading(value: Any) -> None:
    """Our parser and the standard library's agree; strict JSON gets no note."""
    body = jsonbody.write(value)
    assert repr(json.loads(body)) == repr(value)
    assert repr(jsonbody.read(body.decode())) == repr((value, ()))


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_what_python_writes_is_read_back_equal(value: Any, ascii_: bool, indent: int | None) -> None:
    """Escaped or not, indented or not."""
    assert jsonbody.read(json.dumps(value, ensure_ascii=ascii_, indent=indent)) == (value, ())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{METHOD: "CDR"}', {"METHOD": "CDR"}),
        ('{"a": 1,}', {"a": 1}),
        ("[1, 2,]", [1, 2]),
        ("{a: {b: [true, null]}}", {"a": {"b": [True, None]}}),
        ('{a: "שלום"}', {"a": "שלום"}),
    ],
)
def test_bare_keys_and_trailing_commas_are_tolerated_and_noted(text: str, value: object) -> None:
    """As in the provider's document (A-19)."""
    assert jsonbody.read(text) == (value, ("lenient_json",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,",
        '{"a" 1}',
        "{a}",
        '{"a": 1} {"b": 2}',
        '"a',
        "[1e999,]",
        "{a: 0x1FFFFFFFFFFFFFFFFF}",
        "{,}",
        '["\\ud800"]',
    ],
)
def test_malformed_json_is_rejected(text: str) -> None:
    """With our own error only; also numbers that cannot be kept exactly, and lone surrogates."""
    with pytest.raises(WireError):
        jsonbody.read(text)


def test_the_tolerant_pass_is_bounded_in_size() -> None:
    """Large texts must be strict JSON."""
    padding = "x" * MAX_LENIENT_CHARS
    assert jsonbody.read(f'{{"a": "{padding}"}}') == ({"a": padding}, ())
    with pytest.raises(WireError, match="broken"):
        jsonbody.read(f'{{a: "{padding}"}}')


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 1_015, 5_000, 100_000])
@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}"), ("{a:", "}")])
def test_values_nest_to_a_limit(open_: str, close: str, depth: int) -> None:
    """Deeper values are rejected, in both passes and at any size."""
    with pytest.raises(WireError):
        jsonbody.read(open_ * depth + "1" + close * depth)
    with pytest.raises(WireError):
        jsonbody.read(open_ * depth + "1234567890123456789" + close * depth)
    assert jsonbody.read(open_ * MAX_DEPTH + "1" + close * MAX_DEPTH)


@pytest.mark.parametrize(
    ("text", "value", "repeated"),
    [
        ('{"a": 1, "a": 2}', {"a": 2}, ("repeated:a",)),
        ('{"a": 1, "a": 1}', {"a": 1}, ()),
        ('{"a": 1, "A": 2}', {"a": 1, "A": 2}, ()),
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}], ()),
        ('{"x": {"a": 1, "a": 2, "a": 3, "b": 1, "b": 2}}', {"x": {"a": 3, "b": 2}}, ("repeated:a", "repeated:b")),
        ('{"a": "\\": \\":", "b": 1}', {"a": '": ":', "b": 1}, ()),
        ('{"a": 0e99999999999999999999, "a": 1}', {"a": 1}, ("repeated:a",)),
        ('{"a": 1e-99999999999999999999, "a": 0}', {"a": 0}, ()),
    ],
)
def test_of_a_key_given_twice_the_last_counts_and_differences_are_noted(
    text: str, value: object, repeated: tuple[str, ...]
) -> None:
    """Equal values are not noted (A-20)."""
    got, notes = jsonbody.read(text)
    assert got == value
    assert set(notes) == set(repeated)


def test_the_time_for_repeated_keys_is_linear() -> None:
    """A hundred thousand repeated keys; in quadratic time they would take a minute."""
    body = ",".join(f'"{number}": 0, "{number}": 1' for number in range(100_000))
    assert len(jsonbody.read(f"{{{body}}}", BodyLimits(elements=300_000))[1]) == MOST_NOTES


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**64 - 1, 15616841651])
def test_whole_numbers_of_64_bits_are_exact(number: int) -> None:
    """They are not converted to floats (A-14)."""
    assert jsonbody.read(f'{{"n": {number}}}')[0] == {"n": number}


@given(st.text(max_size=200) | st.text('{}[]":,abc1 \\u\n', max_size=60))
def test_any_text_is_a_value_or_our_own_error(text: str) -> None:
    """What was read can be written again."""
    try:
        value, _ = jsonbody.read(text)
    except WireError:
        return
    jsonbody.write(value)


@pytest.mark.parametrize("text", ["[" + "[]," * 99 + "[]]", '{"a": [' + "1," * 99 + "1]}"])
def test_the_number_of_values_is_limited(text: str) -> None:
    """Values are counted before they are made; separators in strings do not count (A-25)."""
    assert jsonbody.read(text, BodyLimits(elements=300))[0]
    with pytest.raises(WireError, match="values"):
        jsonbody.read(text, BodyLimits(elements=100))
    transcript = json.dumps({"text": text * 3 + '"\\'})
    assert jsonbody.read(transcript, BodyLimits(elements=3))[0] == {"text": text * 3 + '"\\'}
