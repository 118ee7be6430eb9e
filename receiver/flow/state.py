"""The state of a call in a flow between two questions. It is stored in the journal."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class FlowState:
    """The state of a call in a flow."""

    node: str = ""
    """The node that the next question will name."""
    menus: list[str] = field(default_factory=list)
    """The stack of menus for `BACK`, without duplicates."""
    tries: dict[str, int] = field(default_factory=dict)
    """The number of wrong tries by node."""
    language: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    """`Caller.values`."""

    def arrive(self, node: str, *, is_menu: bool, permanent: Collection[str] = ()) -> None:
        """The call enters a node. Tries at other nodes are reset, except at those in `permanent`."""
        if node != self.node:
            self.tries = {name: count for name, count in self.tries.items() if name in permanent}
            self.node = node
        if is_menu:
            before = self.menus.index(node) if node in self.menus else len(self.menus)
            self.menus = [*self.menus[:before], node]

    def menu_before(self) -> str:
        """The menu before this node; empty if there was none."""
        before = self.menus[:-1] if self.menus and self.menus[-1] == self.node else self.menus
        return before[-1] if before else ""


def key_of(flow: str) -> str:
    """The key of a flow's state in the state of a call."""
    return f"flow.{flow}"


def load_state(kept: Mapping[str, Any], flow: str, now: datetime, max_age: float) -> FlowState | None:
    """The flow's state; None if it is missing, invalid, or older than `max_age` seconds."""
    stored = kept.get(key_of(flow))
    if not isinstance(stored, Mapping):
        return None
    try:
        age = now.timestamp() - float(stored["at"])
        state = FlowState(
            node=_text(stored["node"]),
            menus=[_text(menu) for menu in stored["menus"]],
            tries={_text(node): int(count) for node, count in dict(stored["tries"]).items()},
            language=_text(stored["language"]),
            values=deepcopy(dict(stored["values"])),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return state if age <= max_age else None


def save_state(kept: dict[str, Any], flow: str, state: FlowState, now: datetime) -> None:
    """Store the flow's state in the state of the call."""
    kept[key_of(flow)] = {
        "at": round(now.timestamp(), 3),
        "node": state.node,
        "menus": list(state.menus),
        "tries": dict(state.tries),
        "language": state.language,
        "values": state.values,
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
