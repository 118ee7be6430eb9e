"""Backups of a SQLite journal: a copy of the file while receivers write to it, compressed, checked and put back."""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from storage.backup_values import SQLITE_HEADER, OnStep
from storage.errors import BackupError, StoreUnavailableError

PAGES = 2000
"""Pages that are copied between two reports of progress."""
CHUNK = 1 << 20
_FIRST_LOCK, _LOCKS = 0x40000002, 510
"""The bytes of an SQLite file of which each open connection in WAL mode holds a shared lock."""
LEVEL = 3
"""Bodies are compressed in the journal already; a higher level takes longer and saves little."""


def copy(source: Path, target: Path, on_step: OnStep) -> None:
    """Copy a journal to a new file with SQLite's online backup API: its content at the moment of the call.

    A read transaction holds that moment, so commits of other processes neither wait nor make the copy begin anew.
    Meanwhile the journal's write-ahead log grows. Raises StoreUnavailableError.
    """
    with _translated(source), closing(_open(source)) as journal, closing(sqlite3.connect(target)) as new:
        journal.execute("BEGIN")
        journal.execute("SELECT count(*) FROM sqlite_master").fetchone()
        new.execute("PRAGMA synchronous=OFF")  # the compressed file is synced, this one is removed
        journal.backup(new, pages=PAGES, progress=lambda _, left, total: on_step("copying", total - left, total))
        new.execute("PRAGMA journal_mode=DELETE")


def check(file: Path) -> None:
    """Open a copy and read every page. Raises BackupError if it is damaged or no journal."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copied:
            [first, *_] = [row[0] for row in copied.execute("PRAGMA quick_check(1)")]
            if first == "ok":
                copied.execute("SELECT count(*) FROM (SELECT 1 FROM callbacks LIMIT 1)").fetchone()
    except sqlite3.Error as error:
        advice = "name the journal with --database-url; `receiver doctor` examines it"
        raise BackupError(f"the copy is no journal: {error}; {advice}") from error
    if first != "ok":
        raise BackupError(f"the copy is damaged: {first}; `receiver doctor` checks the journal itself")


def compress(source: Path, target: IO[bytes], on_step: OnStep) -> str:
    """Write a file's content as one Zstandard frame with a checksum; the hash of the content."""
    total, done, content = source.stat().st_size, 0, hashlib.blake2b()
    compressor = ZstdCompressor(level=LEVEL, write_checksum=True)
    with source.open("rb") as plain, compressor.stream_writer(target, size=total, closefd=False) as frame:
        while chunk := plain.read(CHUNK):
            content.update(chunk)
            frame.write(chunk)
            done += len(chunk)
            on_step("compressing", done, total)
    return content.hexdigest()


def decompress(source: Path, target: IO[bytes] | None, on_step: OnStep, step: str) -> str:
    """Write the content of a compressed file, or only read it; the hash of the content. Raises BackupError."""
    total, content = source.stat().st_size, hashlib.blake2b()
    try:
        with source.open("rb") as packed, ZstdDecompressor().stream_reader(packed, closefd=False) as frame:
            while chunk := frame.read(CHUNK):
                content.update(chunk)
                if target is not None:
                    target.write(chunk)
                on_step(step, packed.tell(), total)
    except ZstdError as error:
        raise BackupError(f"the backup {source} is damaged: {error}; use another one") from error
    return content.hexdigest()


def begins_like_a_journal(file: Path) -> bool:
    """Whether the compressed content begins as a SQLite file does."""
    try:
        with file.open("rb") as packed, ZstdDecompressor().stream_reader(packed) as frame:
            return bytes(frame.read(len(SQLITE_HEADER))) == SQLITE_HEADER
    except ZstdError:
        return False


def count_callbacks(journal: Path) -> int:
    """How many callbacks a file has; 0 if there is no such file. The connection is closed: see `replace`.

    Raises BackupError if the file is damaged.
    """
    if not journal.exists():
        return 0
    try:
        with closing(_open(journal)) as opened:
            if not opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'callbacks'").fetchone():
                return 0
            [count] = opened.execute("SELECT count(*) FROM callbacks").fetchone()
            return int(count)
    except sqlite3.Error as error:
        message = f"{journal} cannot be read: {error}. Name another file, or replace this one with --overwrite"
        raise BackupError(message) from error


def replace(new: Path, journal: Path) -> None:
    """Put a checked file in the place of a journal, which no process may have open. Raises StoreUnavailableError.

    The new file has the owner and the mode of the old one, since a service often runs as another user.
    """
    if journal.exists():
        _require_unused(journal)
        old = journal.stat()
        new.chmod(stat.S_IMODE(old.st_mode))
        if os.name == "posix":
            os.chown(new, old.st_uid, old.st_gid)
    for suffix in ("-wal", "-shm"):
        journal.with_name(journal.name + suffix).unlink(missing_ok=True)
    os.replace(new, journal)


def _require_unused(journal: Path) -> None:
    """Leaving WAL mode succeeds only on the one connection that a file has; a damaged file cannot leave it."""
    if not journal.is_file():
        raise BackupError(f"{journal} is not a file: name another one")
    try:
        with closing(sqlite3.connect(journal, timeout=1)) as only:
            only.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        message = f"a receiver or another process uses {journal}: stop it, then restore ({error})"
        raise StoreUnavailableError(message) from error
    except sqlite3.DatabaseError as error:
        if is_open_elsewhere(journal):
            message = f"a receiver or another process uses {journal}, which is damaged: stop it, then restore"
            raise StoreUnavailableError(message) from error


def is_open_elsewhere(journal: Path) -> bool:
    """Whether another process has a file open in WAL mode. This process must not: closing the file frees its locks."""
    import fcntl

    with journal.open("r+b") as opened:
        try:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCKS, _FIRST_LOCK)
        except BlockingIOError:
            return True
    return False  # closing the file has released the lock


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=rw", uri=True, isolation_level=None, timeout=10)


@contextmanager
def _translated(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        advice = "`receiver doctor` examines it; restore a backup if it is damaged"
        raise StoreUnavailableError(f"the journal {file} cannot be read: {error}; {advice}") from error
