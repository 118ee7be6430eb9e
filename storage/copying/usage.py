"""Whether receivers use a journal, as its database sees it."""

from pathlib import Path

from sqlalchemy import text

from storage.database import Database
from storage.sqlite_backup import is_open_elsewhere


def is_used(database: Database) -> bool:
    """Whether another process has the journal open. Call it before this one opens it. Raises StoreError."""
    if database.is_sqlite:
        return is_open_elsewhere(Path(database.url.database or ""))
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.read_only() as connection:
        return bool(connection.execute(text(others)).scalar_one())
