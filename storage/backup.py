"""Back up a journal to one file while receivers use it, and restore it.

A backup of SQLite is the file itself, compressed by Zstandard; one of PostgreSQL is an archive of pg_dump. So both can
be read without this program. A backup is read to its end before it counts.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import func, inspect, select, text

from storage import migrate, postgresql_backup, sqlite_backup
from storage.backup_values import PG_DUMP_MAGIC, ZSTANDARD_MAGIC, BackupFormat, Contents, OnStep
from storage.database import Database
from storage.errors import BackupError, StoreUnavailableError
from storage.tables import callbacks, from_microseconds, metadata


def recognise(file: Path) -> BackupFormat:
    """What a backup file is, by its first bytes. Raises BackupError if it is none."""
    try:
        with file.open("rb") as opened:
            head = opened.read(len(PG_DUMP_MAGIC))
    except OSError as error:
        raise BackupError(f"the backup {file} cannot be read: {error.strerror}; name another file") from error
    if head == PG_DUMP_MAGIC:
        return BackupFormat.POSTGRESQL
    if head.startswith(ZSTANDARD_MAGIC) and sqlite_backup.begins_like_a_journal(file):
        return BackupFormat.SQLITE
    raise BackupError(f"{file} is no backup, or only its beginning: name a file that `receiver backup` has written")


def back_up(database: Database, file: Path, on_step: OnStep) -> Contents:
    """Write the journal's content of this moment to a new file, and read that to its end; what it holds.

    Only its owner may read the file. It has its name only once it is complete. Raises StoreError.
    """
    if file.exists():
        raise BackupError(f"{file} exists already: choose another name")
    with _new_file(file.with_name(f"{file.name}.part")) as (part, opened):
        make = _back_up_sqlite if database.is_sqlite else _back_up_postgresql
        contents = make(database, part, opened, on_step)
        os.fsync(opened.fileno())
        part.rename(file)
    _sync_folder(file.parent)
    return contents


def restore(file: Path, database: Database, on_step: OnStep, *, overwrite: bool = False) -> Contents:
    """Put a backup in the place of a journal, and migrate its tables; what it holds.

    A journal that has callbacks is replaced only with `overwrite`, and never by a damaged backup. No receiver may run
    on it meanwhile. Raises StoreError.
    """
    format_ = recognise(file)
    if (format_ is BackupFormat.SQLITE) != database.is_sqlite:
        raise BackupError(
            f"{file} is {_kind(format_)} and {database.place} is not of that kind: restore it to a database of its "
            "own kind, and move that with `receiver copy`"
        )
    if not overwrite and (count := count_callbacks(database)):
        raise BackupError(
            f"{database.place} has callbacks already ({count}): name another database, or replace what it has with "
            "--overwrite"
        )
    contents = (_restore_sqlite if database.is_sqlite else _restore_postgresql)(file, database, on_step)
    database.migrate()
    return contents


def _kind(format_: BackupFormat) -> str:
    return "a backup of SQLite" if format_ is BackupFormat.SQLITE else "a backup of PostgreSQL"


def _back_up_sqlite(database: Database, part: Path, opened: IO[bytes], on_step: OnStep) -> Contents:
    source = sqlite_file(database)
    if not source.exists():
        raise BackupError(
            f"there is no journal {source}: run this in the folder of the receiver, or name its journal with "
            "--database-url"
        )
    _require_room(part.parent, 2 * source.stat().st_size)
    with _new_file(part.with_suffix(".copy")) as (copied, _):
        sqlite_backup.copy(source, copied, on_step)
        sqlite_backup.check(copied)
        contents = _contents_of(copied)
        written = sqlite_backup.compress(copied, opened, on_step)
    opened.flush()
    if sqlite_backup.decompress(part, None, on_step, "verifying") != written:
        raise BackupError(f"{part} has another content than was written to it: check the disk")
    return contents


def _back_up_postgresql(database: Database, part: Path, _opened: IO[bytes], on_step: OnStep) -> Contents:
    server = _server_version(database)
    postgresql_backup.dump(database.url, server, part, on_step)
    return postgresql_backup.read(part, server, on_step)


def _restore_sqlite(file: Path, database: Database, on_step: OnStep) -> Contents:
    journal = sqlite_file(database)
    with _new_file(journal.with_name(f"{journal.name}.restoring")) as (restored, opened):
        sqlite_backup.decompress(file, opened, on_step, "decompressing")
        opened.flush()
        os.fsync(opened.fileno())
        sqlite_backup.check(restored)
        contents = _contents_of(restored)
        _require_known(contents.revision)
        sqlite_backup.replace(restored, journal)
    _sync_folder(journal.parent)
    return contents


def _restore_postgresql(file: Path, database: Database, on_step: OnStep) -> Contents:
    server = _server_version(database)
    contents = postgresql_backup.read(file, server, on_step)
    _require_known(contents.revision)
    restored = postgresql_backup.tables_in(file, server)
    postgresql_backup.restore(file, database.url, server, on_step)
    with database.begin() as connection:  # tables that a newer version made; the migrations make them again, empty
        newer = [table for table in metadata.sorted_tables if table.name not in restored]
        metadata.drop_all(connection, tables=newer)
    return contents


def sqlite_file(database: Database) -> Path:
    """The file of a SQLite journal."""
    return Path(database.url.database or "").resolve()


def _server_version(database: Database) -> int:
    with database.read_only() as connection:
        return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000


def count_callbacks(database: Database) -> int:
    """How many callbacks a database has; 0 without tables. Raises StoreError."""
    if database.is_sqlite:
        return sqlite_backup.count_callbacks(sqlite_file(database))
    with database.read_only() as connection:
        if not inspect(connection).has_table(callbacks.name):
            return 0
        return int(connection.execute(select(func.count()).select_from(callbacks)).scalar_one())


def _contents_of(copied: Path) -> Contents:
    with closing(sqlite3.connect(f"file:{copied}?mode=ro", uri=True)) as journal:
        [count, newest] = journal.execute("SELECT count(*), max(received_at) FROM callbacks").fetchone()
        [revision] = journal.execute("SELECT version_num FROM alembic_version").fetchone()
    return Contents(count, None if newest is None else from_microseconds(newest), revision)


def _require_known(revision: str) -> None:
    if not migrate.is_known(revision):
        raise BackupError(
            f"the backup has tables of revision {revision}, which this version does not know: it was made by a newer "
            "one, so restore it with that"
        )


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} has {free / 1e9:.1f} GB free, and up to {needed / 1e9:.1f} GB are needed while the backup is "
            "made: name a file on another disk"
        )


@contextmanager
def _new_file(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file that only its owner may read, and that is gone after the block unless it was renamed."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}{_what_to_do(path)}") from error
    try:
        with os.fdopen(number, "wb") as opened:
            yield path, opened
    except OSError as error:
        advice = "make room, or name a file on another disk"
        raise StoreUnavailableError(f"{path} cannot be written: {error.strerror or error}; {advice}") from error
    finally:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def _what_to_do(path: Path) -> str:
    return "" if path.parent.exists() else f"; create the folder {path.parent} first"


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
