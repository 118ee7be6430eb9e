"""A flow as a tree for the terminal."""

from rich.text import Text
from rich.tree import Tree

from receiver.flow.graph import Row, parents, rows_of, unreachable
from receiver.flow.model import FlowModel
from receiver.flow.targets import describe_target


def draw_tree(flow: FlowModel) -> Tree:
    """A flow as a tree: each node once, on the shortest path to it. Other exits show an arrow and the name."""
    before = parents(flow)
    root = Tree(_title(flow))
    if flow.start in flow.nodes:
        _add(flow, root, before, Row("", flow.start, flow.start, is_child=True))
    if lost := unreachable(flow, before):
        branch = root.add(Text("unreachable", "bold yellow"))
        for name in lost:
            branch.add(_node(flow, name))
    return root


def _title(flow: FlowModel) -> Text:
    text = Text.assemble((flow.name, "bold"), (f"  {len(flow.nodes)} nodes", "dim"))
    if flow.languages:
        text.append(f", {' '.join(flow.languages)}", "dim")
    for key, target in flow.keys.items():
        text.append(f"\n{key} ", "cyan").append(f"{describe_target(target)}, in every menu", "dim")
    return text


def _add(flow: FlowModel, tree: Tree, before: dict[str, str], row: Row) -> None:
    label = Text(f"{row.label} ", "cyan") if row.label else Text()
    if not row.is_child:
        arrow = "↗ " if row.node else ""
        tree.add(label.append(f"{arrow}{row.text}", "" if row.node else "italic"))
        return
    branch = tree.add(label.append_text(_node(flow, row.node)))
    for one in rows_of(flow, row.node, before):
        _add(flow, branch, before, one)


def _node(flow: FlowModel, name: str) -> Text:
    node = flow.nodes[name]
    return Text.assemble((name, "bold"), (f"  {node.kind} {node.summary()}".rstrip(), "dim"))
