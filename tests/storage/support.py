"""Helpers of the storage tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from storage import Appended, Claim, Database, Finish, NewCallback, State, journal, queue

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def new_callback(content: str = "a", **fields: Any) -> NewCallback:
    """A CDR whose content hash is that of `content`."""
    defaults: dict[str, Any] = {
        "provider": "voicenter",
        "kind": "CDR",
        "received_at": NOON,
        "outcome": "accepted",
        "content_hash": blake2b(content.encode(), digest_size=16).digest(),
        "deduplicate": True,
        "body": content.encode(),
    }
    return NewCallback(**{**defaults, **fields})


def append(database: Database, *news: NewCallback) -> list[Appended]:
    """Store callbacks in one transaction."""
    with database.begin() as connection:
        return journal.append(connection, news)


def claim(database: Database, free: dict[str, int], worker: str = "w", lease: float = 60.0) -> list[Claim]:
    """Claim due deliveries."""
    with database.begin() as connection:
        return queue.claim(connection, worker, free, lease)


def finish(database: Database, claims: Sequence[Claim], state: State = State.DONE, **fields: Any) -> list[bool]:
    """Record the results of attempts."""
    finishes = [
        Finish(delivery_id=one.delivery_id, worker="w", attempt=one.attempt, state=state, **fields) for one in claims
    ]
    with database.begin() as connection:
        return queue.finish(connection, finishes)
