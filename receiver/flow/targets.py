"""Where a flow goes on, and what the values of a node may be."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply


class Move(Enum):
    """A place that depends on where the caller is. Their names are `BACK`, `AGAIN` and `HANG_UP`."""

    BACK = "back"
    """The menu that the caller was in before; the menu itself where there was none."""
    AGAIN = "again"
    """The node that the caller is at."""
    HANG_UP = "hang up"
    """The end of the call, without a word."""


BACK, AGAIN, HANG_UP = Move.BACK, Move.AGAIN, Move.HANG_UP

Function = Callable[..., Any]
"""A function of yours that takes a `Caller`, plain or async."""
Goal = str | Move | Reply
"""Where to go: the name of a node, a move, or a reply of the provider."""
Target = Goal | Function
"""A goal, or a function that returns one."""


Text = str | Setting | Function
"""Text: as it is, a setting, or a function that returns it."""
Number = int | Setting | Function
"""A whole number: as it is, a setting, or a function that returns it."""
Recording = str | Mapping[str, str] | Setting | Function
"""The name of a recording: one for all languages, or one for each."""


def describe_target(target: object) -> str:
    """A target as a person would write it."""
    match target:
        case Move():
            return target.value
        case Reply():
            return type(target).__name__
        case str():
            return target
    return describe(target)


def describe(value: object) -> str:
    """The value of a node as a person would write it; functions and settings by their names."""
    if isinstance(value, Setting):
        return f"setting {value.name}"
    if isinstance(value, Mapping):
        return " / ".join(map(str, dict.fromkeys(value.values())))
    if callable(value):
        return f"{getattr(value, '__name__', type(value).__name__)}()"
    return str(value)
