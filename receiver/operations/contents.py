"""Read stored callbacks again, and compare what their bytes give with the stored hash."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.errors import PayloadError
from receiver.intake.reread import reread_callback
from receiver.providers.base.contract import Provider
from storage import Database, StoredCallback, compression, journal
from storage.retention import BLANKED
from storage.values import CALL_LOG_NOTE, Filter

PAGE = 500
ERASED = b"**"
"""Erasure puts stars in the place of digits, and changes the hash, since that would give the number away."""


@dataclass(slots=True)
class CheckedContents:
    """The numbers of callbacks whose bytes are not what was stored."""

    read: int = 0
    damaged: list[int] = field(default_factory=list)
    """Their compressed bytes cannot be decompressed."""
    changed: list[int] = field(default_factory=list)
    """Their bytes give another hash."""


def check_contents(
    database: Database,
    providers: Mapping[str, Provider[Any]],
    newest: int | None,
    on_rows: Callable[[int, int], None],
) -> CheckedContents:
    """Check the newest callbacks, or all of them."""
    found = CheckedContents()
    with database.read_only() as connection:
        last = journal.last_id(connection)
    after = start = 0 if newest is None else max(last - newest, 0)
    while True:
        with database.read_only() as connection:
            page = journal.page(connection, Filter(), after, PAGE)
        if not page:
            return found
        for callback in page:
            found.read += 1
            if compression.is_damaged(callback.body):
                found.damaged.append(callback.id)
            elif not _matches(providers.get(callback.provider), callback):
                found.changed.append(callback.id)
        after = page[-1].id
        on_rows(min(after, last) - start, last - start)


def _matches(provider: Provider[Any] | None, callback: StoredCallback) -> bool:
    """Whether the bytes give the stored hash; also where that cannot be known."""
    if provider is None or callback.outcome == "unparsed" or {BLANKED, CALL_LOG_NOTE} & set(callback.notes):
        return True
    try:
        parsed = reread_callback(provider, callback)
    except PayloadError:
        return ERASED in callback.body + callback.query
    return parsed.content_hash == callback.content_hash or ERASED in callback.body + callback.query
