"""A flow as a tree for the terminal."""

from rich.text import Text
from rich.tree import Tree

from receiver.flow.graph import Way, parents, ways, without_a_way
from receiver.flow.plan import Plan
from receiver.flow.targets import describe_target


def draw_tree(plan: Plan) -> Tree:
    """A flow as a tree: each node once, on the shortest way to it; elsewhere it is only named, behind an arrow."""
    before = parents(plan)
    root = Tree(_title(plan))
    if plan.start in plan.nodes:
        _add(plan, root, before, Way("", plan.start, plan.start, is_first=True))
    if lost := without_a_way(plan, before):
        branch = root.add(Text("nothing leads to", "bold yellow"))
        for name in lost:
            branch.add(_node(plan, name))
    return root


def _title(plan: Plan) -> Text:
    text = Text.assemble((plan.name, "bold"), (f"  {len(plan.nodes)} nodes", "dim"))
    if plan.languages:
        text.append(f", {' '.join(plan.languages)}", "dim")
    for key, target in plan.keys.items():
        text.append(f"\n{key} ", "cyan").append(f"{describe_target(target)}, in every menu", "dim")
    return text


def _add(plan: Plan, tree: Tree, before: dict[str, str], way: Way) -> None:
    label = Text(f"{way.label} ", "cyan") if way.label else Text()
    if not way.is_first:
        arrow = "↗ " if way.node else ""
        tree.add(label.append(f"{arrow}{way.text}", "" if way.node else "italic"))
        return
    branch = tree.add(label.append_text(_node(plan, way.node)))
    for one in ways(plan, way.node, before):
        _add(plan, branch, before, one)


def _node(plan: Plan, name: str) -> Text:
    node = plan.nodes[name]
    return Text.assemble((name, "bold"), (f"  {node.kind} {node.summary()}".rstrip(), "dim"))
