"""Reading ViviPhone's XML: the document shows no reply with more than one field (I-41), so any shape is read."""

import re
from collections.abc import Iterable, Iterator

from receiver.wire.xmltree import Element

Field = tuple[str, str]
_NUMBERED = re.compile(r"dest([1-9])_(\w+)")


def fields(root: Element) -> Iterator[Field]:
    """Every name with its text: elements that hold no others, and attributes."""
    for child in root.children:
        yield from child.attributes.items()
        if child.children:
            yield from fields(child)
        else:
            yield child.name, child.text


def rows(root: Element, names: Iterable[str]) -> list[dict[str, str]]:
    """Records with these fields, in whatever elements they stand.

    A new one begins where a name comes again; a name such as dest2_num says itself which it belongs to.
    """
    wanted = {name.lower() for name in names}
    found: list[dict[str, str]] = []
    numbered: dict[str, dict[str, str]] = {}
    for group in _groups(root):
        row: dict[str, str] = {}
        for name, text in group:
            number, name = _split(name.lower())
            if name not in wanted:
                continue
            if number:
                row = numbered.setdefault(number, {})
            elif name in row:
                row = {}
            if not row:
                found.append(row)
            row[name] = text
    return found


def _split(name: str) -> tuple[str, str]:
    """The number of a destination, empty where there is none, and the name without it."""
    numbered = _NUMBERED.fullmatch(name)
    return (numbered[1], numbered[2]) if numbered else ("", name)


def _groups(element: Element) -> Iterator[list[Field]]:
    """The fields of each element that has some of its own."""
    own = [(child.name, child.text) for child in element.children if not child.children and not child.attributes]
    if own:
        yield own
    for child in element.children:
        if child.attributes:
            yield [*child.attributes.items(), *((inner.name, inner.text) for inner in child.children)]
        elif child.children:
            yield from _groups(child)
