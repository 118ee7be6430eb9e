"""Drawings of flows, for people."""

import re
import xml.etree.ElementTree as ET
from io import StringIO

import pytest
from rich.console import Console

from receiver import Setting
from receiver import flow as flows
from receiver.flow import AGAIN, BACK, Flow
from receiver.flow.layout import GAP, WIDTH, lay_out

SVG = "{http://www.w3.org/2000/svg}"


def pick(caller: object) -> str:
    """Anywhere."""
    return "main"


def office() -> Flow:
    """A flow with every kind of node, a Hebrew name, a name of markup, and an island."""
    flow = Flow("office", start="hours", languages=("he", "en"), keys={"0": "desk", "*": BACK}, otherwise="goodbye")
    flow.hours("hours", "Su-Th 08:00-17:00", zone="Asia/Jerusalem", open="language", closed="goodbye")
    flow.language("language", "choose", {"1": "he", "2": "en"}, "main")
    flow.menu("main", {"he": "shalom", "en": "welcome"}, {"1": "מכירות", "2": "<b>&[red]", "3": pick, "#": AGAIN})
    flow.menu("מכירות", "sales", {"1": "pin", "2": "order"})
    flow.pin("pin", "pin", 4, pick, "balance")
    flow.say("balance", "balance", digits=pick, then=BACK)
    flow.digits("order", "order", 6, "balance", min_size=2)
    flow.dial("<b>&[red]", Setting("desk"), otherwise="message")
    flow.dial("desk", "0540000000", otherwise="message")
    flow.message("message", "after_the_tone")
    flow.transfer("island", 7)
    flow.end("goodbye", "goodbye")
    return flow


def texts(element: ET.Element) -> list[str]:
    """The texts inside of an element, as they are read."""
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def card(drawing: ET.Element, name: str) -> ET.Element:
    """The drawing of a node."""
    [found] = [group for group in drawing.iter(f"{SVG}g") if name in " ".join(texts(group)[:1])]
    return found


def test_a_drawing_is_one_file_that_needs_nothing_else() -> None:
    """No script, no font, no picture from elsewhere; colours for light and for dark background."""
    drawing = office().draw()
    assert flows.draw(office()) == drawing
    ET.fromstring(drawing)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|<script|@import|url\(", drawing)
    assert "prefers-color-scheme: dark" in drawing


def test_every_node_is_drawn_with_its_ways() -> None:
    """Its name, its kind, what it does, and where each key leads."""
    drawing = ET.fromstring(office().draw())
    main = texts(card(drawing, "main"))
    assert main[:2] == ["main", "menu shalom / welcome"]
    assert main[2:] == [
        "1", "מכירות", "2", "<b>&[red]", "3", "pick()", "#", "again", "0", "desk", "otherwise", "↗ goodbye",
    ]  # fmt: skip
    assert texts(card(drawing, "pin"))[:2] == ["pin", "entry 4 digits, pick()"]
    assert "dial setting desk, 30 s" in texts(card(drawing, "<b>&[red]"))


def test_a_hebrew_name_is_written_from_right_to_left() -> None:
    """And begins where the others begin."""
    drawing = ET.fromstring(office().draw())
    [name] = [text for text in card(drawing, "מכירות").iter(f"{SVG}text") if text.text == "מכירות"]
    assert (name.get("direction"), name.get("text-anchor")) == ("rtl", "end")
    assert name.get("x") == next(card(drawing, "מכירות").iter(f"{SVG}text")).get("x")
    [latin] = [text for text in card(drawing, "main").iter(f"{SVG}text") if text.text == "main"]
    assert (latin.get("direction"), latin.get("text-anchor")) == (None, "start")


def test_what_leads_to_a_node_that_stands_elsewhere_is_a_link_to_it() -> None:
    """Only the shortest row to each node is a line."""
    drawing = ET.fromstring(office().draw())
    targets = {group.get("id") for group in drawing.iter(f"{SVG}g")}
    links = [link.get("href", "") for link in drawing.iter(f"{SVG}a")]
    assert {link.removeprefix("#") for link in links} <= targets
    lines = [path for path in drawing.iter(f"{SVG}path") if path.get("class") == "line"]
    assert len(lines) == len(office().nodes) - 2  # neither the start nor the island has one


def test_a_node_with_a_problem_stands_out() -> None:
    """Its text is the hint of its card."""
    island = card(ET.fromstring(office().draw()), "island")
    assert "bad" in island.get("class", "").split()
    assert "no path leads here" in (island.findtext(f"{SVG}title") or "")


def test_cards_do_not_overlap() -> None:
    """Neither in their column nor with the lines' room between columns."""
    layout = lay_out(office())
    for one in layout.cards:
        for other in layout.cards:
            beside = abs(one.x - other.x) >= WIDTH + 50
            below = one.y >= other.y + other.height + GAP or other.y >= one.y + one.height + GAP
            assert one is other or beside or below, (one.name, other.name)
    assert all(card.x + WIDTH <= layout.width and card.y + card.height <= layout.height for card in layout.cards)


def test_control_characters_do_not_break_a_drawing() -> None:
    """XML cannot carry them."""
    flow = Flow("office", start="main")
    flow.end("main", "a\x00b\ud800c")
    assert "end abc" in texts(ET.fromstring(flow.draw()))


@pytest.mark.parametrize("width", [80, 200])
def test_the_tree_in_the_terminal_has_every_node_once(width: int) -> None:
    """Where a row leads to one that is shown elsewhere, there is an arrow; markup in names is text."""
    out = StringIO()
    Console(file=out, width=width).print(office().tree())
    lines = out.getvalue().splitlines()
    assert lines[0] == "office  12 nodes, he en"
    assert "0 desk, in every menu" in lines
    assert sum("dial setting desk" in line for line in lines) == 1
    assert any(line.endswith("2 <b>&[red]  dial setting desk, 30 s") for line in lines)
    assert any(line.endswith("otherwise ↗ goodbye") for line in lines)
    assert any(line.endswith("# again") for line in lines)
    assert [line.lstrip("│├└─ ") for line in lines[-2:]] == ["unreachable", "island  transfer to 7"]
