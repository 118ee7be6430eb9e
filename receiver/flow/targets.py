"""Targets, and the types of a node's values."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from receiver.plugins.module_settings import Setting
from receiver.providers.base.contract import Reply


class Move(Enum):
    """A target that depends on the state of the call: `BACK`, `AGAIN` or `HANG_UP`."""

    BACK = "back"
    """The previous menu; if there is none, the same menu."""
    AGAIN = "again"
    """The same node."""
    HANG_UP = "hang up"
    """The end of the call."""


BACK, AGAIN, HANG_UP = Move.BACK, Move.AGAIN, Move.HANG_UP

Function = Callable[..., Any]
"""A function of the author that takes a `Caller`, plain or async."""
Goal = str | Move | Reply
"""The name of a node, a move, or a reply of the provider."""
Target = Goal | Function
"""A goal, or a function that returns one."""


Text = str | Setting | Function
"""Text, a setting, or a function that returns text."""
Number = int | Setting | Function
"""A whole number, a setting, or a function that returns one."""
Recording = str | Mapping[str, str] | Setting | Function
"""The name of a recording, or a name for each language."""


def describe_target(target: object) -> str:
    """A target, for people."""
    match target:
        case Move():
            return target.value
        case Reply():
            return type(target).__name__
        case str():
            return target
    return describe(target)


def describe(value: object) -> str:
    """A value of a node, for people."""
    if isinstance(value, Setting):
        return f"setting {value.name}"
    if isinstance(value, Mapping):
        return " / ".join(map(str, dict.fromkeys(value.values())))
    if callable(value):
        return f"{getattr(value, '__name__', type(value).__name__)}()"
    return str(value)
