"""The endpoint that a path belongs to: by one look-up, or by a pattern where the path has parameters."""

import re
from typing import Generic, TypeVar

from starlette.routing import compile_path

Target = TypeVar("Target")


class RouteTable(Generic[Target]):
    """Paths and their targets. A path may have parameters as Starlette's have: "/status/{account:int}"."""

    def __init__(self) -> None:
        self._literal: dict[str, Target] = {}
        self._patterns: list[tuple[re.Pattern[str], Target]] = []
        self.words: set[str] = set()
        """The parts of all paths that are not parameters."""

    def __bool__(self) -> bool:
        return bool(self._literal or self._patterns)

    def add(self, path: str, target: Target) -> None:
        """Map a path, without a slash at its end, to a target."""
        if "{" in path:
            self._patterns.append((compile_path(path)[0], target))
        else:
            self._literal[path] = target
        self.words.update(part for part in path.split("/") if "{" not in part)

    def find(self, path: str) -> Target | None:
        """The target of a path without a slash at its end; None if there is none."""
        found = self._literal.get(path)
        if found is not None:
            return found
        return next((target for pattern, target in self._patterns if pattern.match(path)), None)
