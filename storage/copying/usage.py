"""Whether receivers use a journal, as its database sees it."""

import fcntl
from pathlib import Path

from sqlalchemy import text

from storage.database import Database

_FIRST_LOCK, _LOCKS = 0x40000002, 510
"""The bytes of an SQLite file of which each open connection in WAL mode holds a shared lock."""


def is_used(database: Database) -> bool:
    """Whether another process has the journal open. Call it before this one opens it. Raises StoreError."""
    if database.is_sqlite:
        return _is_locked(Path(database.url.database or ""))
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.read_only() as connection:
        return bool(connection.execute(text(others)).scalar_one())


def _is_locked(file: Path) -> bool:
    with file.open("r+b") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _FIRST_LOCK)
        except BlockingIOError:
            return True
    return False  # closing the file has released the lock
