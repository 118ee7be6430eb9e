"""The nodes of a flow and what they share. The flow is built by `Flow`; engine, checks and drawings read this."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from inspect import iscoroutinefunction

from receiver.flow.nodes import EntryNode, MenuNode, Node
from receiver.flow.targets import HANG_UP, Target


@dataclass(kw_only=True, eq=False)
class Plan:
    """A flow as data."""

    name: str
    start: str
    """The node that a call begins at."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """Every node by its name, in the order in which they were added."""
    languages: tuple[str, ...] = ()
    """The languages of the flow, the one that callers begin with first; empty to leave that to the provider."""
    recordings: str = "{rec}"
    """How the name of a recording's file is made from `{rec}` and `{language}`."""
    keys: Mapping[str, Target] = field(default_factory=dict)
    """Keys that every menu has, unless it has one of its own."""
    otherwise: Target | None = None
    """Where callers go whose node does not say where they go after the last try; None to hang up."""
    max_age: float = 3600
    """Seconds after which the state of a call no longer counts."""

    @property
    def first_language(self) -> str:
        """The language that callers begin with; empty where there is none."""
        return self.languages[0] if self.languages else ""

    def keys_of(self, menu: MenuNode) -> dict[str, Target]:
        """The keys of a menu, those that every menu has included."""
        return {**menu.keys, **{key: target for key, target in self.keys.items() if key not in menu.keys}}

    def otherwise_of(self, node: str, own: Target | None) -> Target:
        """Where a node leads when its caller gives up: its own `otherwise`, the flow's, or the end."""
        if own is not None:
            return own
        return HANG_UP if self.otherwise is None or self.otherwise == node else self.otherwise

    def file_of(self, rec: str | Mapping[str, str], language: str) -> str:
        """The file of a recording in a language; empty where there is none."""
        if not isinstance(rec, str):
            return rec.get(language) or next(iter(rec.values()), "")
        return self.recordings.format(rec=rec, language=language) if rec else ""

    @property
    def secrets(self) -> frozenset[str]:
        """The nodes at which wrong tries count for the whole call."""
        return frozenset(name for name, node in self.nodes.items() if isinstance(node, EntryNode) and node.secret)

    @property
    def is_async(self) -> bool:
        """Whether one of its functions is async."""
        return any(
            iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__) for value in self.callables()
        )

    def callables(self) -> Iterator[object]:
        """Every function of the flow."""
        for values in (self.keys.values(), [self.otherwise], *map(values_of, self.nodes.values())):
            yield from (value for value in values if callable(value))


def values_of(node: Node) -> Iterator[object]:
    """The values of a node's fields, and what is in them."""
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Mapping):
            yield from value.values()
        elif isinstance(value, tuple | list):
            yield from value
        else:
            yield value
