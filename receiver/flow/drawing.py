"""A flow as a self-contained SVG."""

import unicodedata
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from receiver.flow.graph import Row
from receiver.flow.layout import HEAD, WIDTH, Card, lay_out
from receiver.flow.model import FlowModel
from receiver.flow.problems import Problem, find_problems
from receiver.flow.targets import describe_target

MARGIN = 24
TITLE = 56
"""Height of the title."""
LINE = 18
"""Height of one line below the title."""
INSET = 14
"""Distance from the edge of a card to its text."""
LABEL = 72
"""Width of the labels."""

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


def _colours(background: str, card: str, edge: str, text: str, faint: str, link: str, bad: str) -> str:
    """The colours of one scheme. No CSS variables: many image viewers do not support them."""
    return f"""
.background {{ fill: {background}; }}
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


def draw_svg(flow: FlowModel) -> str:
    """A flow as an SVG: a column for each distance from the start, a line for the shortest path to each node.

    Other exits are links. Nodes with problems have a red border.
    """
    problems: dict[str, list[Problem]] = {}
    for problem in find_problems(flow):
        problems.setdefault(problem.node, []).append(problem)
    head = list(_head(flow, problems.get("", [])))
    layout = lay_out(flow, MARGIN + TITLE + LINE * (len(head) - 1))
    cards = {card.name: card for card in layout.cards}
    width = max(layout.width + 2 * MARGIN, 480)
    height = layout.height + MARGIN
    size = f'width="{width}" height="{height}"'
    about = f'role="img" aria-label={_attribute(f"flow {flow.name}")}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" {about}>',
        f"<title>{_text(flow.name)}</title><style>{STYLE}</style>",
        f'<rect class="background" {size}/>',
        *head,
        *(line for card in layout.cards for line in _lines(card)),
        *(_card(flow, card, cards, problems.get(card.name, [])) for card in layout.cards),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(flow: FlowModel, problems: list[Problem]) -> Iterator[str]:
    """The title; below it languages, shared keys, and problems of the whole flow."""
    yield _write(MARGIN, MARGIN + 14, flow.name, "title")
    lines = [(f"{len(flow.nodes)} nodes{', ' if flow.languages else ''}{' '.join(flow.languages)}", "faint")]
    lines += [(f"{key} {describe_target(target)}, in every menu", "faint") for key, target in flow.keys.items()]
    lines += [(f"⚠ {problem.text}", "warning") for problem in problems]
    for index, (line, style) in enumerate(lines):
        yield _write(MARGIN, MARGIN + 36 + LINE * index, line, style, room=120)


def _lines(card: Card) -> Iterator[str]:
    """The lines from a card to its children."""
    children = iter(card.children)
    for index, row in enumerate(card.rows):
        if row.is_child:
            child = next(children)
            x, y, to_x, to_y = MARGIN + card.x + WIDTH, card.row_y(index), MARGIN + child.x, child.y + HEAD // 2
            bend = (to_x - x) // 2
            yield f'<path class="line" d="M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"/>'


def _card(flow: FlowModel, card: Card, cards: dict[str, Card], problems: list[Problem]) -> str:
    node = flow.nodes[card.name]
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
        *(_row(card, index, row, cards) for index, row in enumerate(card.rows)),
        "</g>",
    ]
    return "".join(parts)


def _row(card: Card, index: int, row: Row, cards: dict[str, Card]) -> str:
    x, y = MARGIN + card.x + INSET, card.row_y(index) + 4
    label = _write(x, y, row.label, "label", room=9)
    text = _write(x + LABEL, y, row.text if row.is_child or not row.node else f"↗ {row.text}", "", room=20)
    return f"{label}<a href={_attribute('#' + _id(row.node, cards))}>{text}</a>" if row.node else label + text


def _id(name: str, cards: dict[str, Card]) -> str:
    return f"node-{list(cards).index(name)}"


def _write(x: int, y: int, text: str, style: str, *, room: int = 60) -> str:
    """One line of text, left-aligned at `x`; right-to-left text gets its direction."""
    shown = text if len(text) <= room else f"{text[: room - 1]}…"
    is_rtl = _is_rtl(shown)
    anchor = "end" if is_rtl else "start"
    direction = ' direction="rtl"' if is_rtl else ""
    style = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}"{style} text-anchor="{anchor}"{direction}>{_text(shown)}</text>'


def _is_rtl(text: str) -> bool:
    """Whether the first letter with a direction is right-to-left."""
    found = (unicodedata.bidirectional(char) for char in text)
    return next((one in {"R", "AL"} for one in found if one in {"L", "R", "AL"}), False)


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Text without characters that XML does not allow."""
    return "".join(char for char in text if char.isprintable() or char == "\n")
