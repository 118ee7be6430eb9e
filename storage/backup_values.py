"""What backups of both databases share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

OnStep = Callable[[str, int, int | None], None]
"""Called while a step runs: its name, what is done, and the whole; None where the whole is not known."""

ZSTANDARD_MAGIC = b"\x28\xb5\x2f\xfd"
SQLITE_HEADER = b"SQLite format 3\0"
"""https://www.sqlite.org/fileformat.html, 1.3.1."""
PG_DUMP_MAGIC = b"PGDMP"
"""An archive of `pg_dump --format=custom` begins with it."""


class BackupFormat(StrEnum):
    """What a backup file is; each is read by the database's own tools as well."""

    SQLITE = "SQLite file, compressed by Zstandard"
    POSTGRESQL = "archive of pg_dump"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds, as it was read from the backup itself."""

    callbacks: int
    newest: datetime | None
    """When the newest callback was received; None where there is none, or where it was not read."""
    revision: str
    """The revision of its tables."""
