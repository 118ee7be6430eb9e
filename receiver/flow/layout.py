"""Where the nodes of a flow stand in a drawing: columns by distance from the start, each above or below its parent."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from receiver.flow.graph import Way, parents, ways, without_a_way
from receiver.flow.plan import Plan

WIDTH = 230
HEAD = 46
"""Height of a card's head: its name, its kind and what it does."""
ROW = 20
"""Height of one way out."""
FOOT = 8
COLUMN = 310
"""From one column to the next."""
GAP = 18
"""Between two cards, one below the other."""


@dataclass(slots=True)
class Card:
    """One node of a drawing. Lengths are pixels."""

    name: str
    ways: list[Way]
    x: int
    y: int = 0
    children: list["Card"] = field(default_factory=list)
    """The cards of its ways that are first, in their order."""

    @property
    def height(self) -> int:
        """Of the card alone."""
        return HEAD + ROW * len(self.ways) + (FOOT if self.ways else 0)

    def row(self, index: int) -> int:
        """The middle of a way's row."""
        return self.y + HEAD + ROW * index + ROW // 2

    def all(self) -> Iterator["Card"]:
        """This card and all cards after it."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Layout:
    """The cards of a drawing, and its size."""

    cards: tuple[Card, ...]
    lost: frozenset[str]
    """Names of cards that nothing leads to."""
    width: int
    height: int


def lay_out(plan: Plan, top: int = 0) -> Layout:
    """Place every node of a flow, below `top`; nodes that nothing leads to stand at the bottom."""
    before = parents(plan)
    lost = without_a_way(plan, before)
    cards: list[Card] = []
    if plan.start in plan.nodes:
        root = _card(plan, plan.start, before, 0)
        top = _place(root, top) + GAP
        cards += root.all()
    for index, name in enumerate(lost):
        card = Card(name, [Way(way.label, way.text, way.node) for way in ways(plan, name, before)], 0)
        card.x, card.y = COLUMN * (index % 3), top
        cards.append(card)
        top = top if index % 3 < 2 else max(one.y + one.height for one in cards) + GAP
    width = max((card.x for card in cards), default=0) + WIDTH
    height = max((card.y + card.height for card in cards), default=top)
    return Layout(tuple(cards), frozenset(lost), width, height)


def _card(plan: Plan, name: str, before: dict[str, str], depth: int) -> Card:
    card = Card(name, ways(plan, name, before), COLUMN * depth)
    card.children = [_card(plan, way.node, before, depth + 1) for way in card.ways if way.is_first]
    return card


def _place(card: Card, top: int) -> int:
    """Place a card and those after it below `top`; where they end."""
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
