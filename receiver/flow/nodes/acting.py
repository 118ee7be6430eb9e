"""Nodes with one action: say, dial, record a message, transfer, end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from receiver.errors import HandlerError
from receiver.flow.actions import Action, Dial, HangUp, Prompt, RecordMessage, Transfer
from receiver.flow.nodes.base import Exit, Node
from receiver.flow.targets import HANG_UP, Move, Number, Recording, Target, Text, describe

if TYPE_CHECKING:
    from receiver.flow.engine import Engine
    from receiver.flow.model import FlowModel


@dataclass(frozen=True, kw_only=True)
class SayNode(Node):
    """Plays a recording, and reads digits out."""

    kind: ClassVar[str] = "say"

    rec: Recording = ""
    digits: Text = ""
    """Read out after the recording."""
    then: Target
    skip: bool = True
    """Whether a key skips the rest; then the provider also waits for one at the end."""
    loop: int = 1
    pause: int = 0

    def __post_init__(self) -> None:
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(1, loop=self.loop)
        self._at_least(0, pause=self.pause)

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """`then`."""
        return (Exit("then", self.then, silent=True),)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The recording; optional with digits."""
        return () if self.digits and not self.rec else (("rec", self.rec),)

    def summary(self) -> str:
        """The recording and the digits."""
        digits = f"digits {describe(self.digits)}" if self.digits else ""
        return ", ".join(filter(None, (super().summary(), digits)))

    async def enter(self, engine: "Engine") -> Action | Target:
        """Play and read out."""
        rec, digits = await engine.recording(self.rec), await engine.text(self.digits)
        return self._say(rec, digits)

    async def react(self, engine: "Engine") -> Target:
        """`then`, whatever the input."""
        return self.then

    def ask(self, rec: str) -> Prompt | None:
        """The recording; None with digits, which need a reply of their own."""
        return None if self.digits else self._say(rec)

    def _say(self, rec: str, digits: str = "") -> Prompt:
        size = int(self.skip)
        return Prompt(node=self.name, rec=rec, digits=digits, size=size, loop=self.loop, pause=self.pause)


@dataclass(frozen=True, kw_only=True)
class DialNode(Node):
    """Dials a phone or an extension. If the call fails, the caller continues at `otherwise`."""

    kind: ClassVar[str] = "dial"
    ends: ClassVar[bool] = True

    target: Text
    ring: Number = 30
    """Seconds to ring at most."""
    talk: Number = 3600
    """Seconds the call may last."""
    otherwise: Target | None = None
    """The target if the call is not answered or fails; None for the flow's `otherwise`."""
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
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(1, ring=self.ring, talk=self.talk)

    def exits(self, flow: "FlowModel") -> tuple[Exit, ...]:
        """The target after a failure."""
        return (Exit("no answer", flow.otherwise_of(self.name, self.otherwise)),)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The recordings for both sides."""
        return tuple((name, rec) for name, rec in (("rec", self.rec), ("whisper", self.whisper)) if rec)

    def summary(self) -> str:
        """The destination, and the ringing time."""
        return f"{describe(self.target)}, {describe(self.ring)} s"

    async def enter(self, engine: "Engine") -> Action | Target:
        """Dial; without a number, continue at `otherwise`."""
        target = await engine.text(self.target)
        if not target:
            return engine.flow.otherwise_of(self.name, self.otherwise)
        caller_id = engine.caller.number if self.caller_id is None else await engine.text(self.caller_id)
        return Dial(
            target=target,
            ring=await engine.number(self.ring),
            talk=await engine.number(self.talk),
            caller_id=caller_id,
            caller_name=await engine.text(self.caller_name),
            rec=await engine.recording(self.rec),
            whisper=await engine.recording(self.whisper),
            music=self.music,
            record=self.record,
            press=self.press,
            failed=await self._failed(engine),
        )

    async def _failed(self, engine: "Engine") -> Prompt | None:
        """The prompt after a failure: that of the next node if possible, else an empty one."""
        target = engine.flow.otherwise_of(self.name, self.otherwise)
        if target is HANG_UP:
            return None
        node = engine.node_of(target) if isinstance(target, str | Move) else None
        if node is None or node.name == self.name:
            return Prompt(node=self.name, size=0)
        return await engine.ask_ahead(node) or Prompt(node=self.name, size=0)

    async def react(self, engine: "Engine") -> Target:
        """The call has failed: `otherwise`."""
        return engine.flow.otherwise_of(self.name, self.otherwise)


@dataclass(frozen=True, kw_only=True)
class MessageNode(Node):
    """Records a message of the caller, and ends the call."""

    kind: ClassVar[str] = "message"
    ends: ClassVar[bool] = True

    rec: Recording = ""
    seconds: Number = 120
    """Length of the message at most."""

    def __post_init__(self) -> None:
        """Raises HandlerError for invalid numbers."""
        super().__post_init__()
        self._at_least(1, seconds=self.seconds)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The recording before the message."""
        return (("rec", self.rec),)

    async def enter(self, engine: "Engine") -> Action | Target:
        """Record."""
        return RecordMessage(rec=await engine.recording(self.rec), seconds=await engine.number(self.seconds))


@dataclass(frozen=True, kw_only=True)
class TransferNode(Node):
    """Continues in the provider's own IVR, such as a layer."""

    kind: ClassVar[str] = "transfer"
    ends: ClassVar[bool] = True

    to: int
    rec: Recording = ""
    """Played first."""

    def __post_init__(self) -> None:
        """Raises HandlerError for an invalid number."""
        super().__post_init__()
        self._at_least(0, to=self.to)

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The recording, if there is one."""
        return (("rec", self.rec),) if self.rec else ()

    def summary(self) -> str:
        """The destination."""
        return f"to {self.to}"

    async def enter(self, engine: "Engine") -> Action | Target:
        """Transfer."""
        return Transfer(to=self.to, rec=await engine.recording(self.rec))


@dataclass(frozen=True, kw_only=True)
class EndNode(Node):
    """Ends the call."""

    kind: ClassVar[str] = "end"
    ends: ClassVar[bool] = True

    rec: Recording = ""
    """The good-bye."""
    cause: int | None = None
    """An ISUP cause, from 0 to 127."""

    def __post_init__(self) -> None:
        """Raises HandlerError for an invalid cause."""
        super().__post_init__()
        if self.cause is not None and not 0 <= self.cause <= 127:
            raise HandlerError(f"end {self.name!r}: cause is {self.cause}; write 0 to 127")

    def recordings(self) -> tuple[tuple[str, Recording], ...]:
        """The good-bye, if there is one."""
        return (("rec", self.rec),) if self.rec else ()

    async def enter(self, engine: "Engine") -> Action | Target:
        """Play the good-bye and hang up."""
        return HangUp(rec=await engine.recording(self.rec), cause=self.cause)
