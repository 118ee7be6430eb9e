"""The graph of a flow: for `BACK` without a history, for checks and for drawings."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from receiver.flow.model import FlowModel
from receiver.flow.nodes import MenuNode
from receiver.flow.targets import describe_target


def next_nodes(flow: FlowModel, name: str) -> Iterator[str]:
    """The nodes that a node has as targets, in order."""
    for one in flow.nodes[name].exits(flow):
        if isinstance(one.target, str) and one.target in flow.nodes:
            yield one.target


def parents(flow: FlowModel) -> dict[str, str]:
    """Each reachable node with its predecessor on the shortest path from the start, which has none.

    They are sorted by their distance from the start.
    """
    found = {flow.start: ""} if flow.start in flow.nodes else {}
    queue = deque(found)
    while queue:
        name = queue.popleft()
        for other in next_nodes(flow, name):
            if other not in found:
                found[other] = name
                queue.append(other)
    return found


def menus_on_path(flow: FlowModel, name: str) -> list[str]:
    """The menus on the shortest path to a node, including the node: in place of a call's history."""
    before = parents(flow)
    row = []
    while name in before:
        if isinstance(flow.nodes[name], MenuNode):
            row.append(name)
        name = before[name]
    return row[::-1]


def back_targets(flow: FlowModel, name: str) -> set[str]:
    """The possible nodes of `BACK`: the menus before a node; without one, the menu itself or the start."""
    before: dict[str, set[str]] = {node: set() for node in flow.nodes}
    for node in flow.nodes:
        for other in next_nodes(flow, node):
            before[other].add(node)
    found: set[str] = set()
    passed, queue = {name}, deque([name])
    while queue:
        for node in before[queue.popleft()] - passed:
            if isinstance(flow.nodes[node], MenuNode):
                found.add(node)
            else:
                passed.add(node)
                queue.append(node)
    if found and flow.start not in passed:
        return found
    return found | ({name} if isinstance(flow.nodes[name], MenuNode) else {flow.start} & flow.nodes.keys())


@dataclass(frozen=True, slots=True)
class Row:
    """One exit of a node in a drawing."""

    label: str
    text: str
    """The target, for people."""
    node: str = ""
    """The node of the target; empty if it is none."""
    is_child: bool = False
    """Whether that node is drawn as a child of this one."""


def rows_of(flow: FlowModel, name: str, before: dict[str, str]) -> list[Row]:
    """The exits of a node. Shared keys are left out, unless one leads to a child.

    `before` is what `parents` says.
    """
    node = flow.nodes[name]
    shared = flow.keys.keys() - node.keys.keys() if isinstance(node, MenuNode) else set()
    found: list[Row] = []
    shown: set[str] = set()
    for one in node.exits(flow):
        other = one.target if isinstance(one.target, str) and one.target in flow.nodes else ""
        is_child = bool(other) and before.get(other) == name and other not in shown
        if is_child or one.label not in shared:
            found.append(Row(one.label, describe_target(one.target), other, is_child))
        shown.update([other] if is_child else [])
    return found


def unreachable(flow: FlowModel, before: dict[str, str]) -> list[str]:
    """The nodes that no path leads to."""
    return [name for name in flow.nodes if name not in before]
