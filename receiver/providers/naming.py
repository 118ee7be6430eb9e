"""How names on the wire are compared, and what is remembered of names that come again and again."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Found = TypeVar("Found")

LONGEST_NAME, MOST_CHARACTERS, MOST_REMEMBERED = 64, 1024, 512
"""Longer names, or more characters in all of them, are worked out anew each time, as is what comes when that many are
remembered: a stranger can fill half a megabyte with each thing that follows from names, and no more."""


def spelling(name: str) -> str:
    """A name as it is compared: without regard to case, blanks, hyphens and underscores (A-05, A-18, B-04)."""
    return _spelling(name) if len(name) <= LONGEST_NAME else _spelling.__wrapped__(name)


@lru_cache(maxsize=2048)
def _spelling(name: str) -> str:
    return "".join(name.casefold().translate(_SEPARATORS).split())


_SEPARATORS = {ord("-"): None, ord("_"): None}


def remembered(make: Callable[Asked, Found]) -> Callable[Asked, Found]:
    """Remember what `make` returns: a provider sends the same names in the same order each time.

    The last of its arguments are the names, as a tuple of strings.
    """
    known: dict[tuple[object, ...], Found] = {}

    def look_up(*asked: Asked.args, **_nothing: Asked.kwargs) -> Found:
        found = known.get(asked)
        if found is None:
            found = make(*asked, **_nothing)
            names = asked[-1]
            assert isinstance(names, tuple)  # noqa: S101 - as promised above
            is_small = len(names) + sum(map(len, names)) <= MOST_CHARACTERS
            if is_small and len(known) < MOST_REMEMBERED:
                known[asked] = found
        return found

    return look_up
