"""What leads where in a flow, for going back without a history, for checks and for drawings."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from receiver.flow.nodes import MenuNode
from receiver.flow.plan import Plan
from receiver.flow.targets import describe_target


def next_nodes(plan: Plan, name: str) -> Iterator[str]:
    """The nodes that a node leads to by name, in order."""
    for one in plan.nodes[name].exits(plan):
        if isinstance(one.target, str) and one.target in plan.nodes:
            yield one.target


def parents(plan: Plan) -> dict[str, str]:
    """Every node that a call can come to, with the node before it on the shortest way; the start has none.

    Nodes come in the order of their distance from the start.
    """
    found = {plan.start: ""} if plan.start in plan.nodes else {}
    queue = deque(found)
    while queue:
        name = queue.popleft()
        for other in next_nodes(plan, name):
            if other not in found:
                found[other] = name
                queue.append(other)
    return found


def usual_menus(plan: Plan, name: str) -> list[str]:
    """The menus on the shortest way to a node, itself included where it is one: a history for a call without one."""
    before = parents(plan)
    way = []
    while name in before:
        if isinstance(plan.nodes[name], MenuNode):
            way.append(name)
        name = before[name]
    return way[::-1]


def menus_before(plan: Plan, name: str) -> set[str]:
    """Where `BACK` can lead from a node: to the menus before it; where there may be none, to itself or the start."""
    before: dict[str, set[str]] = {node: set() for node in plan.nodes}
    for node in plan.nodes:
        for other in next_nodes(plan, node):
            before[other].add(node)
    found: set[str] = set()
    passed, queue = {name}, deque([name])
    while queue:
        for node in before[queue.popleft()] - passed:
            if isinstance(plan.nodes[node], MenuNode):
                found.add(node)
            else:
                passed.add(node)
                queue.append(node)
    if found and plan.start not in passed:
        return found
    return found | ({name} if isinstance(plan.nodes[name], MenuNode) else {plan.start} & plan.nodes.keys())


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a node, as drawings show it."""

    label: str
    text: str
    """Where it leads, as a person would write it."""
    node: str = ""
    """The node that it leads to; empty where it leads to none."""
    is_first: bool = False
    """Whether drawings show that node here, below this one."""


def ways(plan: Plan, name: str, before: dict[str, str]) -> list[Way]:
    """The ways out of a node. Keys that every menu has are left out, unless one leads to a node that is shown here.

    `before` is what `parents` says.
    """
    node = plan.nodes[name]
    shared = plan.keys.keys() - node.keys.keys() if isinstance(node, MenuNode) else set()
    found: list[Way] = []
    shown: set[str] = set()
    for one in node.exits(plan):
        other = one.target if isinstance(one.target, str) and one.target in plan.nodes else ""
        is_first = bool(other) and before.get(other) == name and other not in shown
        if is_first or one.label not in shared:
            found.append(Way(one.label, describe_target(one.target), other, is_first))
        shown.update([other] if is_first else [])
    return found


def without_a_way(plan: Plan, before: dict[str, str]) -> list[str]:
    """The nodes that nothing leads to."""
    return [name for name in plan.nodes if name not in before]
