"""The spool: a local file for callbacks while the database is unreachable. Fsynced, in order, moved later."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from storage.database import Database
from storage.errors import StoreUnavailableError
from storage.values import NewCallback

_metadata = MetaData()
_rows = Table(
    "spool",
    _metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("callbacks", LargeBinary, nullable=False, comment="those of one request"),
    Column("count", Integer, nullable=False),
    Column("rejected", Integer, nullable=False, comment="1: the journal refuses it; kept for people"),
    sqlite_autoincrement=True,
)
_adapter = TypeAdapter(list[NewCallback])


class SpoolInUseError(StoreUnavailableError):
    """Another process holds the spool."""


class Spool:
    """Callbacks on this machine's disk that are not in the journal yet. Raises StoreUnavailableError.

    A lock restricts it to one process: `storage.spool_files` finds one for each.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        """How many callbacks wait in the spool."""
        self._lock = FileLock(f"{path}.lock")
        self._database = Database(f"sqlite:///{path}")

    def open(self) -> None:
        """Create the file, or open what an earlier run left in it."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            message = f"another receiver uses the spool {self.path}: set `spool` to another file for this one"
            raise SpoolInUseError(message) from error
        except OSError as error:
            raise StoreUnavailableError(f"the spool {self.path} cannot be made: {error}") from error
        with self._database.begin() as connection:
            _metadata.create_all(connection)
            self.count = _waiting(connection)

    async def put(self, batch: Sequence[NewCallback]) -> None:
        """Store a batch; it is on disk when this returns."""
        rows = [
            {"callbacks": _adapter.dump_json(request), "count": len(request), "rejected": 0}
            for request in _requests(batch)
        ]
        await self._database.write(lambda connection: connection.execute(insert(_rows), rows) and None)
        self.count += len(batch)

    async def oldest(self, limit: int) -> list[tuple[int, list[NewCallback]]]:
        """The oldest requests with their numbers, in order, of at most `limit` callbacks but at least one request."""

        def read(connection: Connection) -> list[tuple[int, bytes, int]]:
            oldest = select(_rows.c.seq, _rows.c.callbacks, _rows.c.count).where(_rows.c.rejected == 0)
            return [tuple(row) for row in connection.execute(oldest.order_by(_rows.c.seq).limit(limit))]

        found: list[tuple[int, list[NewCallback]]] = []
        size = 0
        for seq, callbacks, count in await self._database.read(read):
            if found and size + count > limit:
                break
            found.append((seq, _read(callbacks)))
            size += count
        return found

    async def delete(self, numbers: Sequence[int]) -> None:
        """Delete these requests: they are in the journal."""
        await self._change(delete(_rows).where(_rows.c.seq.in_(numbers)))

    async def set_aside(self, number: int) -> None:
        """Mark a request that the journal rejects, so that the others can move."""
        await self._change(update(_rows).where(_rows.c.seq == number).values(rejected=1))

    async def _change(self, statement: Executable) -> None:
        def change(connection: Connection) -> int:
            connection.execute(statement)
            return _waiting(connection)

        self.count = await self._database.write(change)

    def close(self) -> None:
        """Close the file, and release its lock."""
        self._database.close()
        self._lock.release()


def _read(callbacks: bytes) -> list[NewCallback]:
    # Spools of version 0.1 have `deduplicate` as `once`; inside a text the quotes would have backslashes.
    return _adapter.validate_json(callbacks.replace(b'"once":', b'"deduplicate":'))


def _waiting(connection: Connection) -> int:
    waiting = select(func.coalesce(func.sum(_rows.c.count), 0)).where(_rows.c.rejected == 0)
    return int(connection.execute(waiting).scalar_one())


def _requests(batch: Sequence[NewCallback]) -> Iterator[list[NewCallback]]:
    """The callbacks of each request: further parts follow the part that has the body."""
    request: list[NewCallback] = []
    for new in batch:
        if new.part == 0 and request:
            yield request
            request = []
        request.append(new)
    if request:
        yield request


def count_in(path: Path) -> tuple[int, int]:
    """How many callbacks wait in a spool file, and how many the journal rejected. Read-only, also while it is in use.

    Raises StoreUnavailableError if the file is not a spool.
    """
    if not path.exists():
        return 0, 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2) as connection:
            rows = dict(connection.execute("SELECT rejected, sum(count) FROM spool GROUP BY rejected"))
        connection.close()
    except sqlite3.Error as error:
        raise StoreUnavailableError(f"the spool {path} cannot be read: {error}") from error
    return rows.get(0, 0), rows.get(1, 0)
