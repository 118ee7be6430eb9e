"""Erasing one phone number from everything that is stored."""

from pathlib import Path

import pytest

from receiver.operations import erasure
from receiver.operations.erasure import Erased, erase
from receiver.operations.phone_numbers import number_redactor
from storage import Database, StoredCallback
from storage.erasure import Place
from tests.support import running

NUMBER = "0501234567"
CALLBACKS = 5


@pytest.fixture(name="stored")
async def _stored(database_url: str) -> list[StoredCallback]:
    async with running(database_url) as receiver:
        for number in range(CALLBACKS):
            await receiver.client.post("/voicenter", json={"caller": NUMBER, "ivruniqueid": str(number)})
        await receiver.client.post("/voicenter", json={"caller": "0509999999", "ivruniqueid": "other"})
    return receiver.callbacks()


@pytest.mark.parametrize("only_count", [True, False])
async def test_erasing_works_page_by_page_and_counts_what_changes(
    database: Database,
    stored: list[StoredCallback],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    only_count: bool,
) -> None:
    """How far it is is reported for every table, an empty one too; counting alone changes nothing."""
    monkeypatch.setattr(erasure, "PAGE", 4)
    pages: list[tuple[Place, int, int]] = []
    mask = number_redactor(NUMBER, "972")
    spool = tmp_path / "spool.db"
    done = erase(database, mask, spool, lambda *page: pages.append(page), only_count=only_count)
    assert done == Erased({**dict.fromkeys(Place, 0), Place.CALLBACKS: CALLBACKS}, 0, 0)
    assert [page for page in pages if page[0] is Place.CALLBACKS] == [
        (Place.CALLBACKS, seen, CALLBACKS + 1) for seen in (0, 4, 6)
    ]
    assert {place for place, _, _ in pages} == set(Place)
    again = erase(database, mask, spool, lambda *_page: None, only_count=True)
    assert again.changed[Place.CALLBACKS] == (CALLBACKS if only_count else 0)
    assert len(stored) == CALLBACKS + 1
