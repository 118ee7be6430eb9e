"""Building a flow: one method for each kind of node."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypedDict, Unpack

from receiver.errors import HandlerError
from receiver.flow.model import FlowModel
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
from receiver.flow.targets import Function, Number, Recording, Target, Text
from receiver.plugins.module_settings import Setting


class Asking(TypedDict, total=False):
    """Options of `menu`, `language`, `digits` and `pin`."""

    tries: int
    """How often to ask: wrong keys and silence count. 3; for `language` 1."""
    otherwise: Target
    """The target after the last try; the flow's `otherwise`."""
    wrong: Recording
    """Played instead of `rec` after a wrong key; `rec`."""
    loop: int
    """How often the provider plays the recording per try: 1."""
    pause: int
    """Seconds between repetitions: 0."""


class _Checked(TypedDict):
    """Further options of `digits` and `pin`."""

    min_size: int
    check: Function | None
    to: tuple[Target, ...]
    keys: Mapping[str, Target]


class Dialling(TypedDict, total=False):
    """Options of `dial`."""

    ring: Number
    """Seconds to ring at most: 30."""
    talk: Number
    """Seconds the call may last: 3600."""
    otherwise: Target
    """The target if the call is not answered or fails; the flow's `otherwise`."""
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


class Builder(FlowModel):
    """Adds nodes to a flow. Every method raises HandlerError for invalid arguments."""

    is_attached = False
    """Whether `attach` was called."""

    def add(self, node: Node) -> None:
        """Add a node. The methods below create and add one."""
        if self.is_attached:
            raise HandlerError(f"flow {self.name}: {node.name!r} was added after `attach`; add all nodes before it")
        if node.name in self.nodes:
            raise HandlerError(f"flow {self.name}: two nodes are named {node.name!r}; rename one of them")
        self.nodes[node.name] = node

    def menu(
        self, name: str, rec: Recording, keys: Mapping[str, Target], *, size: int = 0, **asking: Unpack[Asking]
    ) -> None:
        """Play `rec`, then continue at the target of the pressed key.

        `size` is the number of keys to collect; 0 for the length of the longest key.
        """
        self.add(MenuNode(name=name, rec=rec, keys=dict(keys), size=size, **asking))

    def language(
        self, name: str, rec: Recording, keys: Mapping[str, str], then: Target, **asking: Unpack[Asking]
    ) -> None:
        """Let the caller choose a language by a key, then continue at `then`; by default also after silence."""
        asking.setdefault("tries", 1)
        self.add(LanguageNode(name=name, rec=rec, keys=dict(keys), then=then, **asking))

    def digits(
        self,
        name: str,
        rec: Recording,
        size: int,
        then: Target,
        *,
        min_size: int = 0,
        keep: str = "",
        check: Function | None = None,
        to: Sequence[Target] = (),
        keys: Mapping[str, Target] | None = None,
        **asking: Unpack[Asking],
    ) -> None:
        """Collect digits: exactly `size`, or from `min_size` to `size`, terminated by # or a pause.

        `check` takes the caller and returns whether `caller.digits` are valid, or a target; `to` lists those targets.
        The digits are stored in `caller.values[keep]`. `keys` are keys with other targets, such as `*`.
        """
        checked = _Checked(min_size=min_size, check=check, to=tuple(to), keys=keys or {})
        self.add(EntryNode(name=name, rec=rec, size=size, then=then, keep=keep, **checked, **asking))

    def pin(
        self,
        name: str,
        rec: Recording,
        size: int,
        check: Function,
        then: Target,
        *,
        min_size: int = 0,
        to: Sequence[Target] = (),
        keys: Mapping[str, Target] | None = None,
        **asking: Unpack[Asking],
    ) -> None:
        """As `digits`, for secrets: the digits are not stored, and wrong tries count for the whole call."""
        checked = _Checked(min_size=min_size, check=check, to=tuple(to), keys=keys or {})
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
        """Play `rec` and read `digits` out, then continue at `then`.

        A key skips the rest, so the provider waits for one; with `skip=False` it collects none.
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
        """Continue at `open` or `closed`, by opening hours in OpenStreetMap's syntax.

        `holidays` are closed days: dates, "2026-09-12" or "2026-09-11/2026-09-13"; on them the target is `holiday`, or
        `closed`. `country` is an ISO code, for the public holidays `PH`. Needs the extra `handlers`.
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
        """Call a function: it takes the caller and returns a target, or a reply of the provider.

        `to` lists its targets, for `check` and `draw`.
        """
        self.add(FunctionNode(name=name, function=function, to=tuple(to)))

    def message(self, name: str, rec: Recording = "", *, seconds: Number = 120) -> None:
        """Play `rec`, record a message of `seconds` at most, and end the call."""
        self.add(MessageNode(name=name, rec=rec, seconds=seconds))

    def transfer(self, name: str, to: int, rec: Recording = "") -> None:
        """Play `rec`, then continue in the provider's own IVR: with Voicenter in the layer `to`."""
        self.add(TransferNode(name=name, to=to, rec=rec))

    def end(self, name: str, rec: Recording = "", *, cause: int | None = None) -> None:
        """Play `rec` and hang up. `cause` is an ISUP cause."""
        self.add(EndNode(name=name, rec=rec, cause=cause))
