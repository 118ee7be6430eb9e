"""Normalisation of names on the wire, and its caches."""

import pytest

from receiver.providers.base.memoize import MAX_CHARACTERS, MAX_ENTRIES, memoize_by_names
from receiver.providers.base.names import LONGEST_CACHED_NAME, normalize_name


@pytest.mark.parametrize("name", ["ivruniqueid", "IVR_UNIQUE_ID", " ivrunique-id ", "IvrUniqueID", "IVR UNIQUE ID"])
def test_a05_names_are_compared_without_case_blanks_hyphens_and_underscores(name: str) -> None:
    """Whatever their length."""
    assert normalize_name(name) == "ivruniqueid"
    assert normalize_name(name * LONGEST_CACHED_NAME) == "ivruniqueid" * LONGEST_CACHED_NAME


def test_what_depends_only_on_names_is_memoised() -> None:
    """Once for each value of the other arguments; the order of the names counts."""
    asked = list[tuple[str, tuple[str, ...]]]()

    @memoize_by_names
    def look(what: str, names: tuple[str, ...]) -> list[str]:
        asked.append((what, names))
        return [what, *names]

    different = [("a", ("x", "y")), ("a", ("y", "x")), ("b", ("x", "y")), ("a", ())]
    for what, names in different * 2:
        assert look(what, names) == [what, *names]
    assert asked == different


def test_only_so_many_names_are_cached() -> None:
    """Their number and length are limited, so that a sender cannot fill the memory. All results are correct."""
    asked = list[tuple[str, ...]]()

    @memoize_by_names
    def count(names: tuple[str, ...]) -> int:
        asked.append(names)
        return len(names)

    for large in (("",) * (MAX_CHARACTERS + 1), ("x" * MAX_CHARACTERS,)):
        assert (count(large), count(large)) == (len(large), len(large))
    assert len(asked) == 4
    asked.clear()
    for number in range(MAX_ENTRIES + 10):
        assert count((str(number),)) == 1
    assert count((str(MAX_ENTRIES + 9),)) == 1
    assert len(asked) == MAX_ENTRIES + 10
    assert count(("0",)) == 1  # the least recently used ones were evicted
    assert len(asked) == MAX_ENTRIES + 11
