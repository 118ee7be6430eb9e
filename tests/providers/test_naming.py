"""Names on the wire, and what is remembered of them."""

import pytest

from receiver.providers.naming import LONGEST_NAME, MOST_CHARACTERS, MOST_REMEMBERED, remembered, spelling


@pytest.mark.parametrize("name", ["ivruniqueid", "IVR_UNIQUE_ID", " ivrunique-id ", "IvrUniqueID", "IVR UNIQUE ID"])
def test_a05_names_are_compared_without_case_blanks_hyphens_and_underscores(name: str) -> None:
    """Whatever their length."""
    assert spelling(name) == "ivruniqueid"
    assert spelling(name * LONGEST_NAME) == "ivruniqueid" * LONGEST_NAME


def test_what_follows_from_names_is_worked_out_once() -> None:
    """For each of the other arguments; the order of the names counts."""
    asked = list[tuple[str, tuple[str, ...]]]()

    @remembered
    def look(what: str, names: tuple[str, ...]) -> list[str]:
        asked.append((what, names))
        return [what, *names]

    different = [("a", ("x", "y")), ("a", ("y", "x")), ("b", ("x", "y")), ("a", ())]
    for what, names in different * 2:
        assert look(what, names) == [what, *names]
    assert asked == different


def test_only_so_many_names_are_remembered() -> None:
    """Neither many nor long ones: a stranger must not fill the memory. All of them are worked out correctly."""
    asked = list[tuple[str, ...]]()

    @remembered
    def count(names: tuple[str, ...]) -> int:
        asked.append(names)
        return len(names)

    for large in (("",) * (MOST_CHARACTERS + 1), ("x" * MOST_CHARACTERS,)):
        assert (count(large), count(large)) == (len(large), len(large))
    assert len(asked) == 4
    asked.clear()
    for _ in range(2):
        for number in range(MOST_REMEMBERED + 10):
            assert count((str(number),)) == 1
    assert len(asked) == MOST_REMEMBERED + 10 + 10
