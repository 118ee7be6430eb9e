"""How names on the wire are compared."""

from functools import lru_cache

LONGEST_CACHED_NAME = 64
"""Characters; longer names are normalised each time, so that a sender cannot fill the cache with long ones."""


def normalize_name(name: str) -> str:
    """A name as it is compared: without regard to case, blanks, hyphens and underscores (A-05, A-18, B-04)."""
    return _cached(name) if len(name) <= LONGEST_CACHED_NAME else _normalize(name)


def _normalize(name: str) -> str:
    return "".join(name.casefold().translate(_SEPARATORS).split())


_SEPARATORS = {ord("-"): None, ord("_"): None}
_cached = lru_cache(maxsize=2048)(_normalize)
