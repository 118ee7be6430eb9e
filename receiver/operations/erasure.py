"""Erasure: one phone number is blanked in everything that is stored, a page of rows at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storage import Database, erasure
from storage.erasure import Mask, Place
from storage.spool_files import count_in_all

PAGE = 500

OnPage = Callable[[Place, int, int], None]
"""Called for each table at the start and after each page, with the rows that are done and their total."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Rows that an erasure has changed or would change, by table, and those of the spool, which it cannot change."""

    changed: Mapping[Place, int]
    spooled: int
    """Callbacks that are not in the database yet."""
    set_aside: int
    """Callbacks that the database rejected."""


def erase(database: Database, mask: Mask, spool: Path, on_page: OnPage, *, only_count: bool = False) -> Erased:
    """Replace what `mask` finds in all that is stored, such as callbacks, replies and errors; or only count the rows.

    When it ends, the old values are gone from the database's files too. Raises StoreError.
    """
    if not only_count:
        with database.begin() as connection:
            erasure.prepare(connection)
    changed = {place: _erase_in(database, place, mask, on_page, only_count=only_count) for place in Place}
    if not only_count:
        database.checkpoint()
    return Erased(changed, *count_in_all(spool))


def _erase_in(database: Database, place: Place, mask: Mask, on_page: OnPage, *, only_count: bool) -> int:
    changed = last = done = 0
    with database.read_only() as connection:
        total = erasure.count(connection, place)
    on_page(place, 0, total)
    while True:
        with database.read_only() if only_count else database.begin() as connection:
            page = erasure.mask_page(connection, place, mask, last, PAGE, only_count=only_count)
        if not page.seen:
            return changed
        changed, last, done = changed + page.changed, page.last, done + page.seen
        on_page(place, done, total)
