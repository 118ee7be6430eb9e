"""The layout of a drawing: a tree with a column for each distance from the start."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from receiver.flow.graph import Row, parents, rows_of, unreachable
from receiver.flow.model import FlowModel

WIDTH = 230
HEAD = 46
"""Height of a card's head: name, kind and summary."""
ROW = 20
"""Height of one exit."""
FOOT = 8
COLUMN = 310
"""Distance between columns."""
GAP = 18
"""Vertical distance between cards."""


@dataclass(slots=True)
class Card:
    """One node of a drawing. Lengths are pixels."""

    name: str
    rows: list[Row]
    x: int
    y: int = 0
    children: list["Card"] = field(default_factory=list)
    """The cards of its children, in the order of its rows."""

    @property
    def height(self) -> int:
        """Height of the card."""
        return HEAD + ROW * len(self.rows) + (FOOT if self.rows else 0)

    def row_y(self, index: int) -> int:
        """The vertical centre of a row."""
        return self.y + HEAD + ROW * index + ROW // 2

    def all(self) -> Iterator["Card"]:
        """This card and its descendants."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Layout:
    """The cards of a drawing, and its size."""

    cards: tuple[Card, ...]
    width: int
    height: int


def lay_out(flow: FlowModel, top: int = 0) -> Layout:
    """Place all nodes of a flow below `top`; unreachable nodes are at the bottom."""
    before = parents(flow)
    cards: list[Card] = []
    if flow.start in flow.nodes:
        root = _card(flow, flow.start, before, 0)
        top = _place(root, top) + GAP
        cards += root.all()
    for index, name in enumerate(unreachable(flow, before)):
        card = Card(name, [Row(row.label, row.text, row.node) for row in rows_of(flow, name, before)], 0)
        card.x, card.y = COLUMN * (index % 3), top
        cards.append(card)
        top = top if index % 3 < 2 else max(one.y + one.height for one in cards) + GAP
    width = max((card.x for card in cards), default=0) + WIDTH
    height = max((card.y + card.height for card in cards), default=top)
    return Layout(tuple(cards), width, height)


def _card(flow: FlowModel, name: str, before: dict[str, str], depth: int) -> Card:
    card = Card(name, rows_of(flow, name, before), COLUMN * depth)
    card.children = [_card(flow, row.node, before, depth + 1) for row in card.rows if row.is_child]
    return card


def _place(card: Card, top: int) -> int:
    """Place a card and its descendants below `top`. Returns their lower end."""
    end = top
    for child in card.children:
        end = _place(child, end) + GAP
    if not card.children:
        card.y = top
        return top + card.height
    first, last = card.children[0], card.children[-1]
    middle = (first.y + last.y + last.height) // 2
    card.y = max(top, middle - card.height // 2)
    return max(end - GAP, card.y + card.height)
