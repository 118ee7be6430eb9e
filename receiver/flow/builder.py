"""Building a flow: one method for each kind of node."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict, Unpack

from receiver.errors import HandlerError
from receiver.flow.nodes import (
    DialNode,
    EndNode,
    EntryNode,
    FunctionNode,
    HoursNode,
    LanguageNode,
    MenuNode,
    MessageNode,
    Node,
    SayNode,
    TransferNode,
)
from receiver.flow.plan import Plan
from receiver.flow.targets import Function, Number, Recording, Target, Text
from receiver.plugins.module_settings import Setting


class Asking(TypedDict, total=False):
    """What `menu`, `language`, `digits` and `pin` all take."""

    tries: int
    """How often it asks at most, for a wrong key and for silence: 3, and 1 for a language."""
    otherwise: Target
    """Where callers go after the last try; else they go to the flow's `otherwise`."""
    wrong: Recording
    """Played in place of `rec` when it asks again."""
    loop: int
    """How often the provider plays the recording before it takes silence for an answer: 1."""
    pause: int
    """Seconds between the times: 0."""


class _Checked(TypedDict):
    """What `digits` and `pin` share beside."""

    least: int
    check: Function | None
    to: tuple[Target, ...]
    keys: Mapping[str, Target]


class Dialling(TypedDict, total=False):
    """What `dial` takes beside its target."""

    ring: Number
    """Seconds to let it ring at most: 30."""
    talk: Number
    """Seconds the call may last: 3600."""
    otherwise: Target
    """Where callers go when nobody answers or the call fails; else they go to the flow's `otherwise`."""
    caller_id: Text
    """The number shown to the destination: the caller's own."""
    caller_name: Text
    """The name shown to the destination: none."""
    rec: Recording
    """Played to the caller before dialling."""
    whisper: Recording
    """Played to the destination before connecting."""
    music: str
    """The class of music that the caller hears while it rings."""
    record: bool
    """Whether to record the call: no."""
    press: str
    """Digits to send after the destination answers."""


class Builder(Plan):
    """A flow while its nodes are added. Every method raises HandlerError for what cannot work."""

    is_attached = False
    """Whether it answers calls already."""

    def add(self, node: Node) -> None:
        """Add a node; the methods below make one and add it."""
        if self.is_attached:
            raise HandlerError(f"flow {self.name}: {node.name!r} comes too late; add every node before `attach`")
        if node.name in self.nodes:
            raise HandlerError(f"flow {self.name}: two nodes are named {node.name!r}; rename one of them")
        self.nodes[node.name] = node

    def menu(
        self, name: str, rec: Recording, keys: Mapping[str, Target], *, size: int = 0, **asking: Unpack[Asking]
    ) -> None:
        """A choice: play `rec`, then go where the pressed key leads.

        `size` is how many digits a caller may press; 0 for as many as the longest key has.
        """
        self.add(MenuNode(name=name, rec=rec, keys=dict(keys), size=size, **asking))

    def language(
        self, name: str, rec: Recording, keys: Mapping[str, str], then: Target, **asking: Unpack[Asking]
    ) -> None:
        """A choice of the language: each key has one. Callers then go to `then`; after silence too, by default."""
        asking.setdefault("tries", 1)
        self.add(LanguageNode(name=name, rec=rec, keys=dict(keys), then=then, **asking))

    def digits(
        self,
        name: str,
        rec: Recording,
        size: int,
        then: Target,
        *,
        least: int = 0,
        keep: str = "",
        check: Function | None = None,
        to: Sequence[Target] = (),
        keys: Mapping[str, Target] | None = None,
        **asking: Unpack[Asking],
    ) -> None:
        """Digits that the caller enters: exactly `size`, or from `least` to `size`, ended with # or a pause.

        `check` takes the caller and returns whether `caller.digits` are right, or where to go; `to` says where that
        may be. The digits are kept as `caller.values[keep]`. `keys` are keys that lead elsewhere, such as `*`.
        """
        checked = _Checked(least=least, check=check, to=tuple(to), keys=keys or {})
        self.add(EntryNode(name=name, rec=rec, size=size, then=then, keep=keep, **checked, **asking))

    def pin(
        self,
        name: str,
        rec: Recording,
        size: int,
        check: Function,
        then: Target,
        *,
        least: int = 0,
        to: Sequence[Target] = (),
        keys: Mapping[str, Target] | None = None,
        **asking: Unpack[Asking],
    ) -> None:
        """As `digits`, for what must not be guessed: nothing is kept, and wrong tries count for the whole call."""
        checked = _Checked(least=least, check=check, to=tuple(to), keys=keys or {})
        self.add(EntryNode(name=name, rec=rec, size=size, then=then, secret=True, **checked, **asking))

    def say(
        self,
        name: str,
        rec: Recording = "",
        *,
        then: Target,
        digits: Text = "",
        skip: bool = True,
        loop: int = 1,
        pause: int = 0,
    ) -> None:
        """Play `rec` and read `digits` out, then go on.

        A key skips the rest of it, so the provider waits a while for one; with `skip=False` it asks for none.
        """
        self.add(SayNode(name=name, rec=rec, digits=digits, then=then, skip=skip, loop=loop, pause=pause))

    def dial(self, name: str, target: Text, **dialling: Unpack[Dialling]) -> None:
        """Ring a phone or an extension, and connect the caller."""
        self.add(DialNode(name=name, target=target, **dialling))

    def hours(
        self,
        name: str,
        hours: Text,
        *,
        zone: Text,
        open: Target,  # noqa: A002 - the word that authors know
        closed: Target,
        holidays: Sequence[str | date] | Setting | Function = (),
        holiday: Target | None = None,
        country: str = "",
    ) -> None:
        """Go one way while it is open, another while it is closed, by OpenStreetMap's `opening_hours`.

        `holidays` are days that are closed: dates, "2026-09-12" or "2026-09-11/2026-09-13"; callers go to `holiday`
        then, or to `closed`. `country` is the ISO code of the country whose public holidays `PH` means. Needs the
        extra `handlers`.
        """
        node = HoursNode(
            name=name,
            hours=hours,
            zone=zone,
            open=open,
            closed=closed,
            holidays=holidays,
            holiday=holiday,
            country=country,
        )
        self.add(node)

    def function(self, name: str, function: Function, *, to: Sequence[Target] = ()) -> None:
        """Let a function decide: it takes the caller and returns where to go, or a reply of the provider.

        `to` says where it may lead, for `check` and `draw`.
        """
        self.add(FunctionNode(name=name, function=function, to=tuple(to)))

    def message(self, name: str, rec: Recording = "", *, seconds: Number = 120) -> None:
        """Play `rec`, record what the caller says for `seconds` at most, and end the call."""
        self.add(MessageNode(name=name, rec=rec, seconds=seconds))

    def transfer(self, name: str, to: int, rec: Recording = "") -> None:
        """Play `rec`, then leave the flow for a place in the provider's own IVR: on Voicenter the layer `to`."""
        self.add(TransferNode(name=name, to=to, rec=rec))

    def end(self, name: str, rec: Recording = "", *, cause: int | None = None) -> None:
        """Play `rec` and hang up. `cause` is an ISUP cause."""
        self.add(EndNode(name=name, rec=rec, cause=cause))
