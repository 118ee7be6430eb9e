"""Compare one table of two journals page by page, and make the target's rows those of the source."""

import hashlib
import marshal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage.copying.layout import Key, Layout, Row
from storage.copying.side import Side

PAGE = 2000
"""Rows that are read, and written in one transaction."""


@dataclass(slots=True)
class Compared:
    """What a comparison of one table has found."""

    table: str
    rows: int = 0
    """Rows of the source."""
    target_rows: int = 0
    different: int = 0
    """Rows that were missing in the target, or had other values."""
    surplus: list[Key] = field(default_factory=list)
    """Keys of the target's rows that the source does not have."""
    _hashes: tuple[Any, Any] = field(default_factory=lambda: (_new_hash(), _new_hash()))

    @property
    def changes(self) -> int:
        """How many rows of the target were not as they must be."""
        return self.different + len(self.surplus)

    @property
    def hashes(self) -> tuple[str, str]:
        """The hash of all rows of the source, and that of all rows of the target, before any repair."""
        return self._hashes[0].hexdigest(), self._hashes[1].hexdigest()

    def add(self, theirs: Sequence[Row], ours: Sequence[Row]) -> bool:
        """Count a page of both sides; whether they are equal."""
        self.rows += len(theirs)
        self.target_rows += len(ours)
        packed = [marshal.dumps(list(rows), 0) for rows in (theirs, ours)]  # version 0: equal rows have equal bytes
        for content, of_side in zip(packed, self._hashes, strict=True):
            of_side.update(content)
        return packed[0] == packed[1]


def _new_hash() -> Any:
    return hashlib.blake2b(digest_size=16)


def compare(
    source: Side, target: Side, layout: Layout, upto: Key | None, on_rows: Callable[[int], None], *, repair: bool
) -> Compared:
    """Compare all rows up to a key; with `repair` write those of the source. Surplus rows are listed, not deleted."""
    found = Compared(layout.name)
    for theirs, ours in _pages(source, target, layout, upto):
        if not found.add(theirs, ours):
            at_source = {layout.key_of(row): row for row in theirs}
            at_target = {layout.key_of(row): row for row in ours}
            wrong = [row for key, row in at_source.items() if at_target.get(key) != row]
            found.different += len(wrong)
            found.surplus += [key for key in at_target if key not in at_source]
            if repair and wrong:
                with target.transaction():
                    target.upsert(layout, wrong)
        on_rows(found.rows)
    return found


def _pages(source: Side, target: Side, layout: Layout, upto: Key | None) -> Iterator[tuple[list[Row], list[Row]]]:
    """Rows of both sides from one key to the next, until neither has more."""
    after: Key | None = None
    while True:
        both = [side.page(layout, after, upto, PAGE) for side in (source, target)]
        ends = [layout.key_of(rows[-1]) for rows in both if len(rows) == PAGE]
        if not ends:
            yield both[0], both[1]
            return
        after = min(ends)
        theirs, ours = (_upto(rows, after, layout) for rows in both)
        yield theirs, ours


def _upto(rows: list[Row], last: Key, layout: Layout) -> list[Row]:
    if not rows or layout.key_of(rows[-1]) <= last:
        return rows
    return [row for row in rows if layout.key_of(row) <= last]
