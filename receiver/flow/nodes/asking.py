"""Nodes that ask the caller for keys: menus, the choice of a language, and digits such as a PIN."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Ask
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import Function, Recording, Target, describe

if TYPE_CHECKING:
    from receiver.flow.plan import Plan
    from receiver.flow.visit import Visit


@dataclass(frozen=True, kw_only=True)
class AskingNode(Node):
    """A node that asks for keys, and asks again when it gets none that fit."""

    rec: Recording
    tries: int = 3
    """How often it asks at most."""
    otherwise: Target | None = None
    """Where to go after the last try; None for the flow's `otherwise`."""
    wrong: Recording = ""
    """Played in place of `rec` after a wrong key; `rec` again where it is empty."""
    loop: int = 1
    """How many times the provider plays the recording for one try."""
    pause: int = 0
    """Seconds between the times."""

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(1, tries=self.tries, loop=self.loop)
        self._at_least(0, pause=self.pause)

    @property
    @abstractmethod
    def collects(self) -> int:
        """How many digits the caller may press at most."""

    def fallback(self, plan: "Plan") -> Target:
        """Where the caller goes after the last try."""
        return plan.otherwise_of(self.name, self.otherwise)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The question, and what is played after a wrong key."""
        return (("rec", self.rec), *((("wrong", self.wrong),) if self.wrong else ()))

    async def enter(self, visit: "Visit") -> Action | Target:
        """Ask; or go on where the tries are used up already."""
        if visit.tries_at(self) >= self.tries:
            return self.fallback(visit.plan)
        rec = self.wrong if visit.is_wrong and self.wrong else self.rec
        return self.ask(await visit.recording(rec))

    def ask(self, rec: str) -> Ask:
        """Play the recording and collect."""
        return Ask(node=self.name, rec=rec, size=self.collects, loop=self.loop, pause=self.pause)


@dataclass(frozen=True, kw_only=True)
class MenuNode(AskingNode):
    """A choice: each key leads somewhere."""

    kind: ClassVar[str] = "menu"

    keys: Mapping[str, Target]
    size: int = 0
    """How many digits at most; 0 for as many as the longest key has."""

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(0, size=self.size)

    @property
    def collects(self) -> int:
        """`size`, or the length of the longest key."""
        return self.size or max(map(len, self.keys), default=1)

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """The keys, and where silence leads."""
        keys = tuple(Exit(key, target) for key, target in plan.keys_of(self).items())
        return (*keys, Exit("otherwise", self.fallback(plan), silent=True))

    async def react(self, visit: "Visit") -> Target:
        """Go where the key leads; ask again after a wrong one."""
        target = visit.key(visit.plan.keys_of(self))
        return visit.fail(self) if target is None or visit.is_lost(target) else target


@dataclass(frozen=True, kw_only=True)
class LanguageNode(AskingNode):
    """A choice of the language."""

    kind: ClassVar[str] = "language"

    keys: Mapping[str, str]
    """Keys, each with the language that it chooses."""
    then: Target

    @property
    def collects(self) -> int:
        """The length of the longest key."""
        return max(map(len, self.keys), default=1)

    def fallback(self, plan: "Plan") -> Target:
        """`otherwise`, or on in the language that the caller has already."""
        return self.then if self.otherwise is None else self.otherwise

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """The keys lead to one place; silence does too, unless `otherwise` says more."""
        keys = tuple(Exit(f"{key} {language}", self.then) for key, language in self.keys.items())
        return (*keys, Exit("otherwise", self.fallback(plan), silent=True))

    async def react(self, visit: "Visit") -> Target:
        """Remember the language and go on."""
        language = visit.key(self.keys)
        if language is None:
            return visit.fail(self)
        visit.caller.language = language
        return self.then


@dataclass(frozen=True, kw_only=True)
class EntryNode(AskingNode):
    """Digits that the caller enters, such as a PIN or the number of an order."""

    kind: ClassVar[str] = "entry"

    size: int
    """How many digits at most."""
    least: int = 0
    """How many at least; 0 for exactly `size`."""
    check: Function | None = None
    """Takes the caller and returns whether `digits` are right, or where to go; None for any digits."""
    to: tuple[Target, ...] = ()
    """Where `check` may lead, for checks and drawings."""
    keep: str = ""
    """The name under which the digits are kept in the caller's `values`; empty where they are not."""
    then: Target
    keys: Mapping[str, Target] = field(default_factory=dict)
    """Keys that lead elsewhere, such as `*`."""
    secret: bool = False
    """Whether this is a PIN: wrong tries count for the whole call."""

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(1, size=self.size)
        if not 0 <= self.least <= self.size:
            raise HandlerError(f"{self.kind} {self.name!r}: least is {self.least}; write 0 to {self.size}, its size")

    @property
    def collects(self) -> int:
        """`size`."""
        return self.size

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """The right digits, the keys, and where silence leads."""
        keys = tuple(Exit(key, target) for key, target in self.keys.items())
        return (
            Exit("right" if self.check else "digits", self.then),
            *(Exit("check", target) for target in self.to),
            *keys,
            Exit("otherwise", self.fallback(plan), silent=True),
        )

    def summary(self) -> str:
        """How many digits, and what checks them."""
        least = f"{self.least} to " if self.least not in (0, self.size) else ""
        check = f", {describe(self.check)}" if self.check else ""
        return f"{least}{self.size} digits{check}"

    async def react(self, visit: "Visit") -> Target:
        """Check the digits; ask again where they are wrong."""
        if visit.tries_at(self) >= self.tries:
            return self.fallback(visit.plan)
        target = visit.key(self.keys)
        return await self._take(visit) if target is None or visit.is_lost(target) else target

    async def _take(self, visit: "Visit") -> Target:
        visit.caller.digits = digits = visit.caller.digits.removesuffix("#")
        if not (digits.isascii() and digits.isdigit() and (self.least or self.size) <= len(digits) <= self.size):
            return visit.fail(self)
        right = True if self.check is None else await visit.call(self.check)
        if right is False:
            return visit.fail(self)
        visit.state.tries.pop(self.name, None)
        if self.keep:
            visit.caller.values[self.keep] = digits
        if right is True:
            return self.then
        return visit.expect_goal(right, self.check, "True, False")
