"""Nodes that collect keys: menus, the choice of a language, and digits such as a PIN."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Prompt
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import Function, Recording, Target, describe

if TYPE_CHECKING:
    from receiver.flow.engine import Engine
    from receiver.flow.model import FlowModel


@dataclass(frozen=True, kw_only=True)
class AskingNode(Node):
    """Collects keys, and asks again after wrong keys or silence."""

    rec: Recording
    tries: int = 3
    """How often to ask."""
    otherwise: Target | None = None
    """The target after the last try; None for the flow's `otherwise`."""
    wrong: Recording = ""
    """Played instead of `rec` after a wrong try; `rec` if it is empty."""
    loop: int = 1
    """How often the provider plays the recording per try."""
    pause: int = 0
    """Seconds between repetitions."""

    def __post_init__(self) -> None:
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(1, tries=self.tries, loop=self.loop)
        self._at_least(0, pause=self.pause)

    @property
    @abstractmethod
    def collects(self) -> int:
        """The number of keys to collect at most."""

    def fallback(self, flow: "FlowModel") -> Target:
        """The target after the last try."""
        return flow.otherwise_of(self.name, self.otherwise)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """`rec` and `wrong`."""
        return (("rec", self.rec), *((("wrong", self.wrong),) if self.wrong else ()))

    async def enter(self, engine: "Engine") -> Action | Target:
        """Prompt; if no try is left, the target after the last try."""
        if engine.tries_at(self) >= self.tries:
            return self.fallback(engine.flow)
        rec = self.wrong if engine.is_wrong and self.wrong else self.rec
        return self.ask(await engine.recording(rec))

    def ask(self, rec: str) -> Prompt:
        """The prompt with a recording."""
        return Prompt(node=self.name, rec=rec, size=self.collects, loop=self.loop, pause=self.pause)


@dataclass(frozen=True, kw_only=True)
class MenuNode(AskingNode):
    """A menu: each key has a target."""

    kind: ClassVar[str] = "menu"

    keys: Mapping[str, Target]
    size: int = 0
    """The number of keys to collect; 0 for the length of the longest key."""

    def __post_init__(self) -> None:
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(0, size=self.size)

    @property
    def collects(self) -> int:
        """`size`, or the length of the longest key."""
        return self.size or max(map(len, self.keys), default=1)

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """The keys, and the target after the last try."""
        keys = tuple(Exit(key, target) for key, target in flow.keys_of(self).items())
        return (*keys, Exit("otherwise", self.fallback(flow), silent=True))

    async def react(self, engine: "Engine") -> Target:
        """The target of the key; after a wrong one, another try."""
        target = engine.key(engine.flow.keys_of(self))
        return engine.fail(self) if target is None or engine.is_unknown(target) else target


@dataclass(frozen=True, kw_only=True)
class LanguageNode(AskingNode):
    """The choice of a language."""

    kind: ClassVar[str] = "language"

    keys: Mapping[str, str]
    """Keys and their languages."""
    then: Target

    @property
    def collects(self) -> int:
        """The length of the longest key."""
        return max(map(len, self.keys), default=1)

    def fallback(self, flow: "FlowModel") -> Target:
        """`otherwise`, else `then` in the current language."""
        return self.then if self.otherwise is None else self.otherwise

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """`then` for each key, and the target after the last try."""
        keys = tuple(Exit(f"{key} {language}", self.then) for key, language in self.keys.items())
        return (*keys, Exit("otherwise", self.fallback(flow), silent=True))

    async def react(self, engine: "Engine") -> Target:
        """Set the language."""
        language = engine.key(self.keys)
        if language is None:
            return engine.fail(self)
        engine.caller.language = language
        return self.then


@dataclass(frozen=True, kw_only=True)
class EntryNode(AskingNode):
    """Collects digits, such as a PIN or an order number."""

    kind: ClassVar[str] = "entry"

    size: int
    """The number of digits at most."""
    min_size: int = 0
    """The number of digits at least; 0 for exactly `size`."""
    check: Function | None = None
    """Takes the caller and returns whether `digits` are valid, or a target; None accepts any digits."""
    to: tuple[Target, ...] = ()
    """The targets of `check`, for checks and drawings."""
    keep: str = ""
    """The name of the digits in the caller's `values`; empty to discard them."""
    then: Target
    keys: Mapping[str, Target] = field(default_factory=dict)
    """Keys with other targets, such as `*`."""
    secret: bool = False
    """Whether this is a PIN: wrong tries count for the whole call."""

    def __post_init__(self) -> None:
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(1, size=self.size)
        if not 0 <= self.min_size <= self.size:
            raise HandlerError(f"{self.kind} {self.name!r}: min_size is {self.min_size}; write 0 to {self.size}")

    @property
    def collects(self) -> int:
        """`size`."""
        return self.size

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """`then`, the targets of `check`, the keys, and the target after the last try."""
        keys = tuple(Exit(key, target) for key, target in self.keys.items())
        return (
            Exit("right" if self.check else "digits", self.then),
            *(Exit("check", target) for target in self.to),
            *keys,
            Exit("otherwise", self.fallback(flow), silent=True),
        )

    def summary(self) -> str:
        """The number of digits, and the check."""
        least = f"{self.min_size} to " if self.min_size not in (0, self.size) else ""
        check = f", {describe(self.check)}" if self.check else ""
        return f"{least}{self.size} digits{check}"

    async def react(self, engine: "Engine") -> Target:
        """Check the digits; after wrong ones, another try."""
        if engine.tries_at(self) >= self.tries:
            return self.fallback(engine.flow)
        target = engine.key(self.keys)
        return await self._take(engine) if target is None or engine.is_unknown(target) else target

    async def _take(self, engine: "Engine") -> Target:
        engine.caller.digits = digits = engine.caller.digits.removesuffix("#")
        if not (digits.isascii() and digits.isdigit() and (self.min_size or self.size) <= len(digits) <= self.size):
            return engine.fail(self)
        right = True if self.check is None else await engine.call(self.check)
        if right is False:
            return engine.fail(self)
        engine.state.tries.pop(self.name, None)
        if self.keep:
            engine.caller.values[self.keep] = digits
        if right is True:
            return self.then
        return engine.check_goal(right, self.check, "True, False")
