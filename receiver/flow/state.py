"""What a flow remembers of a call between two questions. It lives in the journal, so any receiver can go on."""

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class FlowState:
    """Where a call is in a flow."""

    node: str = ""
    """The node that the next question will name, if one comes."""
    menus: list[str] = field(default_factory=list)
    """The menus that led here, the latest last; none of them twice."""
    tries: dict[str, int] = field(default_factory=dict)
    """How often the caller pressed nothing or something wrong, by node."""
    language: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    """What the flow's functions and entries remember."""

    def arrive(self, node: str, *, is_menu: bool, counted_for_good: Collection[str] = ()) -> None:
        """The call comes to a node. Tries at others are forgotten, except at those that are `counted_for_good`."""
        if node != self.node:
            self.tries = {name: count for name, count in self.tries.items() if name in counted_for_good}
            self.node = node
        if is_menu:
            before = self.menus.index(node) if node in self.menus else len(self.menus)
            self.menus = [*self.menus[:before], node]

    def menu_before(self) -> str:
        """The menu that the caller was in before this node; empty where there was none."""
        before = self.menus[:-1] if self.menus and self.menus[-1] == self.node else self.menus
        return before[-1] if before else ""


def key_of(flow: str) -> str:
    """Where the state of a flow stands among the states of a call."""
    return f"flow.{flow}"


def load_state(kept: Mapping[str, Any], flow: str, now: datetime, max_age: float) -> FlowState | None:
    """The flow's state; None if there is none, if it is older than `max_age` seconds, or if it cannot be read."""
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
    """Put the flow's state among those of the call."""
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
