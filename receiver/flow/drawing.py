"""A flow as an SVG that needs nothing else: text can be selected, names lead to their nodes, light and dark."""

import unicodedata
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from receiver.flow.graph import Way
from receiver.flow.layout import HEAD, WIDTH, Card, lay_out
from receiver.flow.plan import Plan
from receiver.flow.problems import Problem, find_problems
from receiver.flow.targets import describe_target

MARGIN = 24
TITLE = 56
"""Height of the title."""
LINE = 18
"""Height of one line below the title."""
INSET = 14
"""From the edge of a card to its text."""
LABEL = 72
"""Width of a way's label."""

FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Hebrew", "DejaVu Sans", Arial, sans-serif'
SHAPES = f"""
text {{ font: 12px {FONT}; }}
.title {{ font-size: 20px; font-weight: 600; }}
.name {{ font-size: 13px; font-weight: 600; }}
.line {{ fill: none; stroke-width: 1.5; }}
.bad .card {{ stroke-width: 2; }}
.menu .bar, .language .bar, .entry .bar {{ fill: #4493f8; }}
.dial .bar, .message .bar, .transfer .bar {{ fill: #2da44e; }}
.hours .bar, .function .bar {{ fill: #bf8700; }}
.end .bar, .say .bar {{ fill: #a371f7; }}
"""


def _colours(ground: str, card: str, edge: str, text: str, faint: str, link: str, bad: str) -> str:
    """The colours of one ground. Without CSS variables, which many viewers of pictures do not know."""
    return f"""
.ground {{ fill: {ground}; }}
.card {{ fill: {card}; stroke: {edge}; }}
.line {{ stroke: {edge}; }}
text {{ fill: {text}; }}
.faint, .label {{ fill: {faint}; }}
a text {{ fill: {link}; }}
.bad .card {{ stroke: {bad}; }}
.warning {{ fill: {bad}; }}
"""


STYLE = (
    SHAPES
    + _colours("#ffffff", "#f6f8fa", "#b7bfc8", "#1f2328", "#59636e", "#0969da", "#cf222e")
    + "@media (prefers-color-scheme: dark) {"
    + _colours("#0d1117", "#161b22", "#57606a", "#e6edf3", "#9198a1", "#4493f8", "#f85149")
    + "}\n"
)


def draw_svg(plan: Plan) -> str:
    """A flow as an SVG: a column for each step from the start, a line for the shortest way to each node.

    Where a way leads to a node that stands elsewhere, its name is a link to it. Nodes with problems have a red edge.
    """
    problems: dict[str, list[Problem]] = {}
    for problem in find_problems(plan):
        problems.setdefault(problem.node, []).append(problem)
    head = list(_head(plan, problems.get("", [])))
    layout = lay_out(plan, MARGIN + TITLE + LINE * (len(head) - 1))
    cards = {card.name: card for card in layout.cards}
    width = max(layout.width + 2 * MARGIN, 480)
    height = layout.height + MARGIN
    size = f'width="{width}" height="{height}"'
    about = f'role="img" aria-label={_attribute(f"flow {plan.name}")}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" {about}>',
        f"<title>{_text(plan.name)}</title><style>{STYLE}</style>",
        f'<rect class="ground" {size}/>',
        *head,
        *(line for card in layout.cards for line in _lines(card)),
        *(_card(plan, card, cards, problems.get(card.name, [])) for card in layout.cards),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(plan: Plan, problems: list[Problem]) -> Iterator[str]:
    """The title, and what counts for the whole flow below it."""
    yield _write(MARGIN, MARGIN + 14, plan.name, "title")
    lines = [(f"{len(plan.nodes)} nodes{', ' if plan.languages else ''}{' '.join(plan.languages)}", "faint")]
    lines += [(f"{key} {describe_target(target)}, in every menu", "faint") for key, target in plan.keys.items()]
    lines += [(f"⚠ {problem.text}", "warning") for problem in problems]
    for index, (line, style) in enumerate(lines):
        yield _write(MARGIN, MARGIN + 36 + LINE * index, line, style, room=120)


def _lines(card: Card) -> Iterator[str]:
    """The lines from a card to those after it."""
    children = iter(card.children)
    for index, way in enumerate(card.ways):
        if way.is_first:
            child = next(children)
            x, y, to_x, to_y = MARGIN + card.x + WIDTH, card.row(index), MARGIN + child.x, child.y + HEAD // 2
            bend = (to_x - x) // 2
            yield f'<path class="line" d="M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"/>'


def _card(plan: Plan, card: Card, cards: dict[str, Card], problems: list[Problem]) -> str:
    node = plan.nodes[card.name]
    x, y, inner = MARGIN + card.x, card.y, MARGIN + card.x + INSET
    mark = "⚠ " if problems else ""
    what = f"{node.kind} {node.summary()}".rstrip()
    hint = "\n".join([node.name, what, *(problem.text for problem in problems)])
    parts = [
        f'<g id={_attribute(_id(card.name, cards))} class="{node.kind}{" bad" if problems else ""}">',
        f"<title>{_text(hint)}</title>",
        f'<rect class="card" x="{x}" y="{y}" width="{WIDTH}" height="{card.height}" rx="8"/>',
        f'<rect class="bar" x="{x}" y="{y + 8}" width="4" height="{card.height - 16}" rx="2"/>',
        _write(inner, y + 19, mark + card.name, "name", room=24),
        _write(inner, y + 36, what, "faint", room=32),
        *(_way(card, index, way, cards) for index, way in enumerate(card.ways)),
        "</g>",
    ]
    return "".join(parts)


def _way(card: Card, index: int, way: Way, cards: dict[str, Card]) -> str:
    x, y = MARGIN + card.x + INSET, card.row(index) + 4
    label = _write(x, y, way.label, "label", room=9)
    text = _write(x + LABEL, y, way.text if way.is_first or not way.node else f"↗ {way.text}", "", room=20)
    return f"{label}<a href={_attribute('#' + _id(way.node, cards))}>{text}</a>" if way.node else label + text


def _id(name: str, cards: dict[str, Card]) -> str:
    return f"node-{list(cards).index(name)}"


def _write(x: int, y: int, text: str, style: str, *, room: int = 60) -> str:
    """One line of text that begins at `x`; right to left where its first letter is."""
    shown = text if len(text) <= room else f"{text[: room - 1]}…"
    is_rtl = _is_rtl(shown)
    anchor = "end" if is_rtl else "start"
    direction = ' direction="rtl"' if is_rtl else ""
    style = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{style} text-anchor="{anchor}"{direction}>{_text(shown)}</text>'


def _is_rtl(text: str) -> bool:
    """Whether the first letter with a direction is of a script that is written from right to left."""
    found = (unicodedata.bidirectional(char) for char in text)
    return next((one in {"R", "AL"} for one in found if one in {"L", "R", "AL"}), False)


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Text without the characters that XML cannot carry."""
    return "".join(char for char in text if char.isprintable() or char == "\n")
