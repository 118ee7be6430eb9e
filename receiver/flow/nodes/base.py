"""What every node of a flow has in common.

A node is data. `enter` says what happens when the call comes to it, and `react` what happens when its caller has
pressed something there, or nothing.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Ask
from receiver.flow.targets import AGAIN, Number, Recording, Target, describe
from receiver.plugins.module_settings import Setting

if TYPE_CHECKING:
    from receiver.flow.plan import Plan
    from receiver.flow.visit import Visit


WIDEST = 2**31
"""Numbers of a reply are below this."""


@dataclass(frozen=True, slots=True)
class Exit:
    """One way out of a node."""

    label: str
    """What leads there: a key, or a word such as "otherwise"."""
    target: Target
    silent: bool = False
    """Whether a caller who presses nothing may go this way."""


@dataclass(frozen=True, kw_only=True)
class Node(ABC):
    """One place of a flow."""

    kind: ClassVar[str]
    """What it is, for people."""
    ends: ClassVar[bool] = False
    """Whether the call leaves the flow here, at least when all goes well."""

    name: str

    def __post_init__(self) -> None:
        """Raises HandlerError for a name that cannot travel to the provider and back."""
        if not self.name or self.name != self.name.strip() or not self.name.isprintable() or self.name == "-1":
            raise HandlerError(
                f"{self.name!r} cannot be the name of a node; write printable text without blanks around it, not '-1'"
            )

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """Every way out, in the order in which the author wrote them."""
        return ()

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """What it plays: the field's name, and the recording."""
        return ()

    def summary(self) -> str:
        """What it does, in a few words, beside its kind; for drawings."""
        return ", ".join(describe(rec) for _, rec in self.recordings() if rec)

    @abstractmethod
    async def enter(self, visit: "Visit") -> Action | Target:
        """The call comes here: what to do, or where to go on at once."""

    async def react(self, visit: "Visit") -> Target:
        """The caller has pressed something here, or nothing: where to go on."""
        return AGAIN

    def ask(self, rec: str) -> Ask | None:
        """What the provider can ask by itself when a call that it dialled has failed; None for all else."""
        return None

    def _at_least(self, least: int, **numbers: Number) -> None:
        """Raises HandlerError for what is no whole number from `least`, or more than the wire carries."""
        for field_name, number in numbers.items():
            if isinstance(number, Setting) or callable(number):
                continue
            if not isinstance(number, int) or isinstance(number, bool) or not least <= number < WIDEST:
                raise HandlerError(f"{self.kind} {self.name!r}: {field_name} is {number!r}; write {least} or more")
