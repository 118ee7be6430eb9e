"""A local file for callbacks that the database cannot take right now: fsynced, in order, moved over later."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, delete, func, insert, select

from storage.database import Database
from storage.values import NewCallback

_metadata = MetaData()
_rows = Table(
    "spool",
    _metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("callback", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
_adapter = TypeAdapter(NewCallback)


class Spool:
    """Callbacks on this machine's disk that are not in the journal yet. Raises StoreUnavailableError."""

    def __init__(self, path: Path) -> None:
        self._database = Database(f"sqlite:///{path}")
        self.path = path
        self.count = 0
        """How many callbacks are in it."""

    def open(self) -> None:
        """Make the file, or find what an earlier run left in it."""
        with self._database.begin() as connection:
            _metadata.create_all(connection)
            self.count = int(connection.execute(select(func.count()).select_from(_rows)).scalar_one())

    async def put(self, batch: Sequence[NewCallback]) -> None:
        """Keep a batch, on disk when this returns."""
        rows = [{"callback": _adapter.dump_json(new)} for new in batch]
        await self._database.write(lambda connection: connection.execute(insert(_rows), rows) and None)
        self.count += len(batch)

    async def oldest(self, limit: int) -> tuple[list[NewCallback], int]:
        """The oldest callbacks, in order, and the number of the last of them."""

        def read(connection: Connection) -> list[tuple[int, bytes]]:
            oldest = select(_rows.c.seq, _rows.c.callback).order_by(_rows.c.seq).limit(limit)
            return [(seq, callback) for seq, callback in connection.execute(oldest)]

        found = await self._database.read(read)
        return [_adapter.validate_json(callback) for _, callback in found], found[-1][0] if found else 0

    async def forget(self, last: int) -> None:
        """Drop everything up to number `last`: it is in the journal."""

        def drop(connection: Connection) -> int:
            connection.execute(delete(_rows).where(_rows.c.seq <= last))
            return int(connection.execute(select(func.count()).select_from(_rows)).scalar_one())

        self.count = await self._database.write(drop)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def count_in(path: Path) -> int:
    """How many callbacks a spool file holds; 0 when there is none."""
    if not path.exists():
        return 0
    spool = Spool(path)
    try:
        spool.open()
        return spool.count
    finally:
        spool.close()
