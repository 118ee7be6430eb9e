"""Restore a backup of SQLite to PostgreSQL: to a file for the moment, and from there by a copy of the journal."""

from pathlib import Path
from tempfile import TemporaryDirectory

from storage.backup import count_callbacks, restore
from storage.backup_values import Contents, OnStep
from storage.copying.journal_copy import open_copy
from storage.database import Database
from storage.errors import BackupError


def restore_to_postgresql(file: Path, database: Database, on_step: OnStep) -> Contents:
    """Restore a backup of SQLite to a PostgreSQL database without callbacks, keeping all numbers; what it holds.

    The folder for temporary files needs room for the journal. Raises StoreError.
    """
    if count := count_callbacks(database):
        raise BackupError(
            f"{database.place} has callbacks already ({count}): a backup of SQLite is restored to an empty database, "
            "so name another one"
        )
    with TemporaryDirectory(prefix="receiver-restore-") as folder, Database(f"sqlite:///{folder}/journal.db") as plain:
        contents = restore(file, plain, on_step)
        with open_copy(plain, database, on_step) as copying:
            copying.finish()
    return contents
