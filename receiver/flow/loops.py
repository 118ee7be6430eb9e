"""Finding loops that a silent caller never leaves."""

from collections.abc import Iterator

from receiver.flow.graph import back_targets
from receiver.flow.model import FlowModel
from receiver.flow.nodes import FunctionNode
from receiver.flow.targets import AGAIN, HANG_UP, Move


def find_loops(flow: FlowModel) -> Iterator[tuple[str, ...]]:
    """Each loop of nodes that a silent caller never leaves."""
    lost = flow.nodes.keys() - _with_a_way_out(flow)
    seen: set[str] = set()
    for start in flow.nodes:
        if start not in lost:
            continue
        way: list[str] = []
        name = start
        while name not in seen and name not in way:
            way.append(name)
            name = next(other for other in _silent(flow, name) if other in lost)
        if name in way:
            yield tuple(way[way.index(name) :])
        seen.update(way)


def _with_a_way_out(flow: FlowModel) -> set[str]:
    """The nodes from which a silent caller reaches an end, a call or a function, at any time of day."""
    out = {name for name, node in flow.nodes.items() if node.ends}
    while more := {name for name in flow.nodes.keys() - out if _leads_out(flow, name, out)}:
        out |= more
    return out


def _leads_out(flow: FlowModel, name: str, out: set[str]) -> bool:
    """Whether all silent exits of a node lead to these nodes; for a function one is enough."""
    node = flow.nodes[name]
    ways = [_is_out(flow, name, one.target, out) for one in node.exits(flow) if one.silent]
    return any(ways) or not ways if isinstance(node, FunctionNode) else all(ways)


def _is_out(flow: FlowModel, name: str, target: object, out: set[str]) -> bool:
    """Whether a target leads to these nodes. Functions, replies and unknown names count as a way out."""
    if isinstance(target, Move):
        return all(other in out for other in _moved(flow, name, target))
    return not (isinstance(target, str) and target in flow.nodes) or target in out


def _silent(flow: FlowModel, name: str) -> Iterator[str]:
    for one in flow.nodes[name].exits(flow):
        if not one.silent:
            continue
        if isinstance(one.target, Move):
            yield from sorted(_moved(flow, name, one.target))
        elif isinstance(one.target, str) and one.target in flow.nodes:
            yield one.target


def _moved(flow: FlowModel, name: str, move: Move) -> set[str]:
    if move is HANG_UP:
        return set()
    return {name} if move is AGAIN else back_targets(flow, name)
