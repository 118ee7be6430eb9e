"""What every node of a flow has in common.

A node is data with two methods: `enter` is called when the call enters the node, and `react` when the input in it is
known.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Prompt
from receiver.flow.targets import AGAIN, Number, Recording, Target, describe
from receiver.plugins.module_settings import Setting

if TYPE_CHECKING:
    from receiver.flow.engine import Engine
    from receiver.flow.model import FlowModel


WIDEST = 2**31
"""Upper limit of numbers in replies."""


@dataclass(frozen=True, slots=True)
class Exit:
    """One exit of a node."""

    label: str
    """A key, or a word such as "otherwise"."""
    target: Target
    silent: bool = False
    """Whether a silent caller may take it."""


@dataclass(frozen=True, kw_only=True)
class Node(ABC):
    """One node of a flow."""

    kind: ClassVar[str]
    """The kind of node, for people."""
    ends: ClassVar[bool] = False
    """Whether the call normally leaves the flow here."""

    name: str

    def __post_init__(self) -> None:
        """Raises HandlerError for a name that the provider could not return."""
        if not self.name or self.name != self.name.strip() or not self.name.isprintable() or self.name == "-1":
            raise HandlerError(
                f"{self.name!r} is an invalid name of a node; use printable text without surrounding blanks, not '-1'"
            )

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """All exits, in the order of the definition."""
        return ()

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """Its recordings, with the names of their fields."""
        return ()

    def summary(self) -> str:
        """A short description for drawings, without the kind."""
        return ", ".join(describe(rec) for _, rec in self.recordings() if rec)

    @abstractmethod
    async def enter(self, engine: "Engine") -> Action | Target:
        """The call enters the node. Returns an action or the next target."""

    async def react(self, engine: "Engine") -> Target:
        """The input in this node is known. Returns the next target."""
        return AGAIN

    def ask(self, rec: str) -> Prompt | None:
        """The prompt that the provider can play after a failed call; None if it needs a question."""
        return None

    def _at_least(self, least: int, **numbers: Number) -> None:
        """Raises HandlerError for anything but whole numbers from `least` to the limit of replies."""
        for field_name, number in numbers.items():
            if isinstance(number, Setting) or callable(number):
                continue
            if not isinstance(number, int) or isinstance(number, bool) or not least <= number < WIDEST:
                raise HandlerError(f"{self.kind} {self.name!r}: {field_name} is {number!r}; write {least} or more")
