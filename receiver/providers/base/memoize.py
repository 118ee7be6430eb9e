"""Memoise what depends only on the names of a callback: a provider sends the same names in the same order."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

Args = ParamSpec("Args")
Result = TypeVar("Result")

MAX_ENTRIES, MAX_CHARACTERS = 512, 1024
"""Cached results, of which the least recently used is evicted first, and characters in the names of one. Together they
limit the cache to half a megabyte for each memoised function, whatever is sent."""


def memoize_by_names(function: Callable[Args, Result]) -> Callable[Args, Result]:
    """Cache what `function` returns. Its last argument must be the names, as a tuple of strings.

    All arguments must be hashable and given by position. Calls with more characters than MAX_CHARACTERS are not cached.
    """
    call: Callable[..., Result] = function

    @lru_cache(maxsize=MAX_ENTRIES)
    def cached(*args: Any) -> Any:
        result = call(*args)
        names = args[-1]
        if len(names) + sum(map(len, names)) > MAX_CHARACTERS:
            raise _TooLargeError(result)  # what raises is not cached
        return result

    @wraps(function)
    def look_up(*args: Args.args, **_kwargs: Args.kwargs) -> Result:
        result: Result
        try:
            result = cached(*args)
        except _TooLargeError as too_large:
            result = too_large.result
        return result

    return look_up


class _TooLargeError(Exception):
    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result
