"""Which endpoint a path belongs to: by one look-up, or by its pattern where it has parameters."""

import re
from typing import Generic, TypeVar

Target = TypeVar("Target")


class RouteTable(Generic[Target]):
    """Paths and what they lead to. A path may have parameters: "/status/{account:int}", as in `compile_path`."""

    def __init__(self) -> None:
        self._literal: dict[str, Target] = {}
        self._patterns: list[tuple[re.Pattern[str], Target]] = []
        self.words: set[str] = set()
        """The parts of all paths that are no parameters."""

    def __bool__(self) -> bool:
        return bool(self._literal or self._patterns)

    def add(self, path: str, target: Target) -> None:
        """Let a path, without a slash at its end, lead to a target. Raises ValueError for a malformed parameter."""
        if "{" in path:
            self._patterns.append((compile_path(path), target))
        else:
            self._literal[path] = target
        self.words.update(part for part in path.split("/") if "{" not in part)

    def find(self, path: str) -> Target | None:
        """The target of a path without a slash at its end; None if there is none. Literal paths go first."""
        found = self._literal.get(path)
        if found is not None:
            return found
        return next((target for pattern, target in self._patterns if pattern.fullmatch(path)), None)


_PARAMETER = re.compile(r"\{([^{}]*)\}")
_NAME_AND_TYPE = re.compile(r"[A-Za-z_]\w*(?::(\w+))?")
_TYPES = {
    "str": "[^/]+",
    "int": "[0-9]+",
    "float": r"[0-9]+(?:\.[0-9]+)?",
    "uuid": "[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "path": ".*",
}


def compile_path(path: str) -> re.Pattern[str]:
    """The pattern of a path with parameters such as "{name}" or "{name:int}".

    The types are those of Starlette's routes: str (the default: anything but a slash), int, float, uuid and path
    (anything). Raises ValueError for another type, or a parameter without a name.
    """
    pieces = _PARAMETER.split(path)
    literals, parameters = map(re.escape, pieces[::2]), [_pattern_of(parameter, path) for parameter in pieces[1::2]]
    return re.compile("".join(literal + pattern for literal, pattern in zip(literals, [*parameters, ""], strict=True)))


def _pattern_of(parameter: str, path: str) -> str:
    found = _NAME_AND_TYPE.fullmatch(parameter)
    type_ = found and (found[1] or "str")
    if type_ not in _TYPES:
        raise ValueError(
            f"{path}: write {{name}} or {{name:type}} with one of {', '.join(_TYPES)}, not {{{parameter}}}"
        )
    return _TYPES[type_]
