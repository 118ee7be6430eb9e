"""The journal's database, opened by its URL as the settings have it."""

from pathlib import Path

from receiver.errors import SettingsError
from storage import Database
from storage.database import parse_url
from storage.errors import DatabaseUrlError


def make_database(url: str, *, auto_migrate: bool) -> Database:
    """The database, not opened yet. Raises SettingsError."""
    try:
        return Database(url, auto_migrate=auto_migrate)
    except DatabaseUrlError as error:
        raise SettingsError(f"database_url: {error}") from error


def open_database(url: str, *, auto_migrate: bool) -> Database:
    """The database with its tables up to date; without `auto_migrate` they must be.

    Raises SettingsError, SchemaError or StoreUnavailableError.
    """
    database = make_database(url, auto_migrate=auto_migrate)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def file_of(url: str) -> Path | None:
    """The file of a journal on this machine; None on PostgreSQL. Raises SettingsError."""
    try:
        parsed = parse_url(url)
    except DatabaseUrlError as error:
        raise SettingsError(f"database_url: {error}") from error
    return Path(parsed.database or "").resolve() if parsed.get_backend_name() == "sqlite" else None
