"""Finding where a caller who presses nothing goes round for ever."""

from collections.abc import Iterator

from receiver.flow.graph import menus_before
from receiver.flow.nodes import FunctionNode
from receiver.flow.plan import Plan
from receiver.flow.targets import AGAIN, HANG_UP, Move


def circles(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Each circle of nodes that silence never leaves."""
    lost = plan.nodes.keys() - _with_a_way_out(plan)
    seen: set[str] = set()
    for start in plan.nodes:
        if start not in lost:
            continue
        way: list[str] = []
        name = start
        while name not in seen and name not in way:
            way.append(name)
            name = next(other for other in _silent(plan, name) if other in lost)
        if name in way:
            yield tuple(way[way.index(name) :])
        seen.update(way)


def _with_a_way_out(plan: Plan) -> set[str]:
    """The nodes from which silence leads to an end, a call or a function, whatever the hour is."""
    out = {name for name, node in plan.nodes.items() if node.ends}
    while more := {name for name in plan.nodes.keys() - out if _leads_out(plan, name, out)}:
        out |= more
    return out


def _leads_out(plan: Plan, name: str, out: set[str]) -> bool:
    """Whether every silent way of a node leads to these nodes; of a function's ways one is enough."""
    node = plan.nodes[name]
    ways = [_is_out(plan, name, one.target, out) for one in node.exits(plan) if one.silent]
    return any(ways) or not ways if isinstance(node, FunctionNode) else all(ways)


def _is_out(plan: Plan, name: str, target: object, out: set[str]) -> bool:
    """Functions and replies lead somewhere that only they know; a name of no node leads to the end."""
    if isinstance(target, Move):
        return all(other in out for other in _moved(plan, name, target))
    return not (isinstance(target, str) and target in plan.nodes) or target in out


def _silent(plan: Plan, name: str) -> Iterator[str]:
    for one in plan.nodes[name].exits(plan):
        if not one.silent:
            continue
        if isinstance(one.target, Move):
            yield from sorted(_moved(plan, name, one.target))
        elif isinstance(one.target, str) and one.target in plan.nodes:
            yield one.target


def _moved(plan: Plan, name: str, move: Move) -> set[str]:
    if move is HANG_UP:
        return set()
    return {name} if move is AGAIN else menus_before(plan, name)
