"""The list of requests for a call back, in a database of its own, SQLite or PostgreSQL."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import Engine, NullPool, create_engine, text

_CREATE_TABLE = text(
    "CREATE TABLE IF NOT EXISTS callback_requests (number TEXT NOT NULL, did TEXT NOT NULL, call_id TEXT NOT NULL, "
    "asked_at BIGINT NOT NULL, done_at BIGINT)"
)
_CREATE_INDEX = text(
    "CREATE UNIQUE INDEX IF NOT EXISTS callback_requests_open ON callback_requests (number) WHERE done_at IS NULL"
)
_ADD = text(
    "INSERT INTO callback_requests (number, did, call_id, asked_at) VALUES (:number, :did, :call_id, :asked_at) "
    "ON CONFLICT DO NOTHING"
)
_LIST = text("SELECT * FROM callback_requests WHERE done_at IS NULL OR :with_done = 1 ORDER BY asked_at, number")
_DONE = text(
    "UPDATE callback_requests SET done_at = :now WHERE number = :number AND done_at IS NULL AND asked_at <= :before"
)
_FORGET = text("DELETE FROM callback_requests WHERE done_at < :oldest")


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a call back."""

    number: str
    """In international form, without a plus."""
    did: str
    """The number that was called."""
    call_id: str
    asked_at: datetime
    done_at: datetime | None = None


class CallbackRequests:
    """The list: a number is on it once, also when two receivers add it at the same moment.

    Finished requests are kept for `keep_days`.
    """

    def __init__(self, database_url: str, keep_days: int) -> None:
        self._engine = _engine(database_url)
        self._kept = timedelta(days=keep_days)

    def add(self, request: Request) -> None:
        """Add a request; it is on disk when this returns. A number that is on the list keeps its place."""
        with self._engine.begin() as connection:
            connection.execute(_ADD, {**asdict(request), "asked_at": _seconds(request.asked_at)})

    def listed(self, *, with_done: bool = False) -> list[Request]:
        """The open requests, the oldest first; optionally also the finished ones."""
        with self._engine.connect() as connection:
            rows = connection.execute(_LIST, {"with_done": int(with_done)}).all()
        return [
            Request(
                number=row.number,
                did=row.did,
                call_id=row.call_id,
                asked_at=_moment(row.asked_at),
                done_at=None if row.done_at is None else _moment(row.done_at),
            )
            for row in rows
        ]

    def done(self, number: str, now: datetime, *, asked_before: datetime | None = None) -> bool:
        """Remove a number from the list, and delete old finished requests. False if it was not there."""
        values = {"number": number, "now": _seconds(now), "before": _seconds(asked_before or now)}
        with self._engine.begin() as connection:
            connection.execute(_FORGET, {"oldest": _seconds(now - self._kept)})
            return bool(connection.execute(_DONE, values).rowcount)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache
def _engine(url: str) -> Engine:
    """An engine without a pool: requests are rare."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(_CREATE_TABLE)
        connection.execute(_CREATE_INDEX)
    return engine
