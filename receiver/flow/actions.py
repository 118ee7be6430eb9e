"""The actions of a flow, independent of the provider."""

from dataclasses import dataclass

from receiver.providers.base.contract import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerInput:
    """One question of a call: the node, and the keys that were pressed."""

    place: str
    """The menu that the question names: a node of the flow, or an unknown name."""
    digits: str = ""
    is_first: bool = False
    number: str = ""
    """The number or the extension code of the caller."""
    did: str = ""
    """The number that was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """Play a recording, read digits out, and collect keys. The next question names the node."""

    node: str
    rec: str = ""
    """Name of the recording; empty for silence."""
    size: int
    """How many keys to collect at most; 0 for none: the next question follows at once."""
    loop: int = 1
    """How many times to play it."""
    pause: int = 0
    """Seconds between repetitions."""
    digits: str = ""
    """Read out after the recording; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Dial, and connect the caller. If dialling fails, continue with `failed`; None ends the call."""

    target: str
    ring: int
    """Seconds to ring at most."""
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
    failed: Prompt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMessage:
    """Record a message of the caller, then end the call."""

    rec: str = ""
    """Played first."""
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Continue in the provider's own IVR."""

    to: int
    rec: str = ""
    """Played first."""
    loop: int = 1
    pause: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End the call."""

    rec: str = ""
    """Played first."""
    cause: int | None = None
    """An ISUP cause, from 0 to 127."""


@dataclass(frozen=True, slots=True)
class SendReply:
    """Send a reply that a function of the flow returned."""

    reply: Reply


Action = Prompt | Dial | RecordMessage | Transfer | HangUp | SendReply
