"""Find everything that is stored about one phone number, in any notation that providers use."""

from collections.abc import Callable
from dataclasses import dataclass

from storage import Database, erasure
from storage.erasure import Mask, Place

PAGE = 500

OnPage = Callable[[Place, int, int], None]
"""Called for each table at the start and after each page, with the rows that are done and their total."""


@dataclass(frozen=True, slots=True)
class Found:
    """The numbers of callbacks and of rejected requests, in order of receipt."""

    callbacks: list[int]
    refusals: list[int]


def find_about(database: Database, mask: Mask, on_page: OnPage) -> Found:
    """The callbacks with the number in their request, reply, state, deliveries or errors, and the rejected requests.

    `mask` is that of an erasure: what it would change is about the number. Raises StoreError.
    """
    callbacks: set[int] = set()
    for place in (Place.CALLBACKS, Place.DELIVERIES, Place.ATTEMPTS):
        callbacks.update(_search(database, place, mask, on_page))
    return Found(sorted(callbacks), _search(database, Place.REFUSALS, mask, on_page))


def _search(database: Database, place: Place, mask: Mask, on_page: OnPage) -> list[int]:
    found: list[int] = []
    last = done = 0
    with database.read_only() as connection:
        total = erasure.count(connection, place)
    on_page(place, 0, total)
    while True:
        with database.read_only() as connection:
            page, numbers = erasure.find_page(connection, place, mask, last, PAGE)
        if not page.seen:
            return found
        found += numbers
        last, done = page.last, done + page.seen
        on_page(place, done, total)
