"""A flow as data. `Flow` builds it; engine, checks and drawings read it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from inspect import iscoroutinefunction

from receiver.flow.nodes import EntryNode, MenuNode, Node
from receiver.flow.targets import HANG_UP, Target


@dataclass(kw_only=True, eq=False)
class FlowModel:
    """The nodes of a flow, and what they share."""

    name: str
    start: str
    """The first node of a call."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """All nodes by name, in the order in which they were added."""
    languages: tuple[str, ...] = ()
    """The languages, the initial one first; empty to leave the language to the provider."""
    recordings: str = "{rec}"
    """The pattern of file names, with `{rec}` and `{language}`."""
    keys: Mapping[str, Target] = field(default_factory=dict)
    """Keys of every menu; a menu's own keys take precedence."""
    otherwise: Target | None = None
    """The target after the last try, for nodes without their own; None hangs up."""
    max_age: float = 3600
    """Seconds that the state of a call is valid."""

    @property
    def first_language(self) -> str:
        """The initial language; empty if there is none."""
        return self.languages[0] if self.languages else ""

    def keys_of(self, menu: MenuNode) -> dict[str, Target]:
        """The keys of a menu, including the shared ones."""
        return {**menu.keys, **{key: target for key, target in self.keys.items() if key not in menu.keys}}

    def otherwise_of(self, node: str, own: Target | None) -> Target:
        """The target after the last try: the node's own, the flow's, or HANG_UP."""
        if own is not None:
            return own
        return HANG_UP if self.otherwise is None or self.otherwise == node else self.otherwise

    def file_of(self, rec: str | Mapping[str, str], language: str) -> str:
        """The file name of a recording in a language; empty if there is none."""
        if not isinstance(rec, str):
            return rec.get(language) or next(iter(rec.values()), "")
        return self.recordings.format(rec=rec, language=language) if rec else ""

    @property
    def secrets(self) -> frozenset[str]:
        """The nodes whose wrong tries count for the whole call."""
        return frozenset(name for name, node in self.nodes.items() if isinstance(node, EntryNode) and node.secret)

    @property
    def is_async(self) -> bool:
        """Whether one of its functions is async."""
        return any(
            iscoroutinefunction(value) or iscoroutinefunction(type(value).__call__) for value in self.callables()
        )

    def callables(self) -> Iterator[object]:
        """All functions of the flow."""
        for values in (self.keys.values(), [self.otherwise], *map(values_of, self.nodes.values())):
            yield from (value for value in values if callable(value))


def values_of(node: Node) -> Iterator[object]:
    """The values of a node's fields; of mappings and sequences their elements."""
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, Mapping):
            yield from value.values()
        elif isinstance(value, tuple | list):
            yield from value
        else:
            yield value
