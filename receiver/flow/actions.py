"""What a flow does with a caller, in no provider's words."""

from dataclasses import dataclass

from receiver.providers.base.contract import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One question of a call: where the caller is, and what was pressed there."""

    place: str
    """The node that the provider names; it may be none of the flow's."""
    digits: str = ""
    is_first: bool = False
    number: str = ""
    """Who calls."""
    did: str = ""
    """The number that was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Play a recording, read digits out, and collect what the caller presses. The next question names the node."""

    node: str
    rec: str = ""
    """Name of the recording; empty for silence."""
    size: int
    """How many digits at most; 0 for none: the next question comes when all was heard."""
    loop: int = 1
    """How many times to play it."""
    pause: int = 0
    """Seconds between the times."""
    digits: str = ""
    """Read out after the recording; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Dial, and connect the caller. If the call fails, go on with `failed`, or end the call where that is None."""

    target: str
    ring: int
    """Seconds to let it ring at most."""
    talk: int
    """Seconds the call may last."""
    caller_id: str = ""
    """The number shown to the destination."""
    caller_name: str = ""
    rec: str = ""
    """Played to the caller before dialling."""
    whisper: str = ""
    """Played to the destination before connecting."""
    music: str = ""
    """The music heard while it rings."""
    record: bool = False
    press: str = ""
    """Digits to send after the destination answers."""
    failed: Ask | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeMessage:
    """Record what the caller says, then end the call."""

    rec: str = ""
    """Played first."""
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Leave the flow for a place in the provider's own system."""

    to: int
    rec: str = ""
    """Played first."""
    loop: int = 1
    pause: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End the call."""

    rec: str = ""
    """Played first."""
    cause: int | None = None
    """An ISUP cause, from 0 to 127."""


@dataclass(frozen=True, slots=True)
class Give:
    """Send a reply that one of the flow's functions made."""

    reply: Reply


Action = Ask | Ring | TakeMessage | Transfer | End | Give
