"""Nodes that do something: say, dial, take a message, transfer, end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Ask, End, Ring, TakeMessage, Transfer
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import HANG_UP, Move, Number, Recording, Target, Text, describe

if TYPE_CHECKING:
    from receiver.flow.plan import Plan
    from receiver.flow.visit import Visit


@dataclass(frozen=True, kw_only=True)
class SayNode(Node):
    """Something that the caller hears."""

    kind: ClassVar[str] = "say"

    rec: Recording = ""
    digits: Text = ""
    """Read out after the recording, digit by digit."""
    then: Target
    skip: bool = True
    """Whether a key skips the rest of it. The provider waits a while for one; without it, the call goes on at once."""
    loop: int = 1
    pause: int = 0

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(1, loop=self.loop)
        self._at_least(0, pause=self.pause)

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """On to the next."""
        return (Exit("then", self.then, silent=True),)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The recording; there may be none before digits."""
        return () if self.digits and not self.rec else (("rec", self.rec),)

    def summary(self) -> str:
        """The recording and the digits."""
        digits = f"digits {describe(self.digits)}" if self.digits else ""
        return ", ".join(filter(None, (super().summary(), digits)))

    async def enter(self, visit: "Visit") -> Action | Target:
        """Say it."""
        rec, digits = await visit.recording(self.rec), await visit.text(self.digits)
        return self._say(rec, digits)

    async def react(self, visit: "Visit") -> Target:
        """It was said: go on, whatever was pressed."""
        return self.then

    def ask(self, rec: str) -> Ask | None:
        """The recording; the provider cannot read digits out by itself."""
        return None if self.digits else self._say(rec)

    def _say(self, rec: str, digits: str = "") -> Ask:
        size = int(self.skip)
        return Ask(node=self.name, rec=rec, digits=digits, size=size, loop=self.loop, pause=self.pause)


@dataclass(frozen=True, kw_only=True)
class DialNode(Node):
    """A call to a phone or an extension. Where it fails, the caller goes on with `otherwise`."""

    kind: ClassVar[str] = "dial"
    ends: ClassVar[bool] = True

    target: Text
    ring: Number = 30
    """Seconds to let it ring at most."""
    talk: Number = 3600
    """Seconds the call may last."""
    otherwise: Target | None = None
    """Where to go when nobody answers or the call fails; None for the flow's `otherwise`."""
    caller_id: Text | None = None
    """The number shown to the destination; None for the caller's own."""
    caller_name: Text = ""
    rec: Recording = ""
    """Played to the caller before dialling."""
    whisper: Recording = ""
    """Played to the destination before connecting."""
    music: str = ""
    record: bool = False
    press: str = ""
    """Digits to send after the destination answers."""

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(1, ring=self.ring, talk=self.talk)

    def exits(self, plan: "Plan") -> tuple[Exit, ...]:
        """Where the caller goes when the call fails."""
        return (Exit("no answer", plan.otherwise_of(self.name, self.otherwise)),)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """What each side hears first, if anything."""
        return tuple((name, rec) for name, rec in (("rec", self.rec), ("whisper", self.whisper)) if rec)

    def summary(self) -> str:
        """Whom it calls, and how long it rings."""
        return f"{describe(self.target)}, {describe(self.ring)} s"

    async def enter(self, visit: "Visit") -> Action | Target:
        """Dial; where there is no number to dial, go on as after a call that failed."""
        target = await visit.text(self.target)
        if not target:
            return visit.plan.otherwise_of(self.name, self.otherwise)
        caller_id = visit.caller.number if self.caller_id is None else await visit.text(self.caller_id)
        return Ring(
            target=target,
            ring=await visit.number(self.ring),
            talk=await visit.number(self.talk),
            caller_id=caller_id,
            caller_name=await visit.text(self.caller_name),
            rec=await visit.recording(self.rec),
            whisper=await visit.recording(self.whisper),
            music=self.music,
            record=self.record,
            press=self.press,
            failed=await self._failed(visit),
        )

    async def _failed(self, visit: "Visit") -> Ask | None:
        """What the provider shall ask when the call has failed: the next node at once, where it can, or nothing."""
        target = visit.plan.otherwise_of(self.name, self.otherwise)
        if target is HANG_UP:
            return None
        node = visit.node_of(target) if isinstance(target, str | Move) else None
        if node is None or node.name == self.name:
            return Ask(node=self.name, size=0)
        return await visit.ask_ahead(node) or Ask(node=self.name, size=0)

    async def react(self, visit: "Visit") -> Target:
        """The call has failed: go on."""
        return visit.plan.otherwise_of(self.name, self.otherwise)


@dataclass(frozen=True, kw_only=True)
class MessageNode(Node):
    """A message of the caller is recorded; then the call ends."""

    kind: ClassVar[str] = "message"
    ends: ClassVar[bool] = True

    rec: Recording = ""
    seconds: Number = 120
    """How long it may be."""

    def __post_init__(self) -> None:
        """Raises HandlerError for numbers that cannot be."""
        super().__post_init__()
        self._at_least(1, seconds=self.seconds)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """What asks for the message."""
        return (("rec", self.rec),)

    async def enter(self, visit: "Visit") -> Action | Target:
        """Record."""
        return TakeMessage(rec=await visit.recording(self.rec), seconds=await visit.number(self.seconds))


@dataclass(frozen=True, kw_only=True)
class TransferNode(Node):
    """The call leaves the flow for a place in the provider's own system, such as a layer of its IVR."""

    kind: ClassVar[str] = "transfer"
    ends: ClassVar[bool] = True

    to: int
    rec: Recording = ""
    """Played first."""

    def __post_init__(self) -> None:
        """Raises HandlerError for a place that is no number."""
        super().__post_init__()
        self._at_least(0, to=self.to)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """What is played first, if anything."""
        return (("rec", self.rec),) if self.rec else ()

    def summary(self) -> str:
        """Where to."""
        return f"to {self.to}"

    async def enter(self, visit: "Visit") -> Action | Target:
        """Leave."""
        return Transfer(to=self.to, rec=await visit.recording(self.rec))


@dataclass(frozen=True, kw_only=True)
class EndNode(Node):
    """The end of the call."""

    kind: ClassVar[str] = "end"
    ends: ClassVar[bool] = True

    rec: Recording = ""
    """The good-bye."""
    cause: int | None = None
    """An ISUP cause, from 0 to 127."""

    def __post_init__(self) -> None:
        """Raises HandlerError for a cause that there is not."""
        super().__post_init__()
        if self.cause is not None and not 0 <= self.cause <= 127:
            raise HandlerError(f"end {self.name!r}: cause is {self.cause}; write 0 to 127")

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The good-bye, if there is one."""
        return (("rec", self.rec),) if self.rec else ()

    async def enter(self, visit: "Visit") -> Action | Target:
        """Say good-bye and hang up."""
        return End(rec=await visit.recording(self.rec), cause=self.cause)
