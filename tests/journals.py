"""Empty journals for tests: copies of one that was migrated once, because migrating takes longer than most tests."""

import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg

from storage import Database
from tests.postgres import make_database


def sqlite_journal(file: Path) -> str:
    """The URL of a journal in this file; an empty one, unless the file exists."""
    if not file.exists():
        file.write_bytes(_migrated_file())
    return f"sqlite:///{file}"


def postgres_journal(server_url: str) -> str:
    """The URL of a new, empty journal on this server."""
    name = f"receiver_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_template(server_url)}".encode())
    return server_url.rsplit("/", 1)[0] + f"/{name}"


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "journal.db"
        _migrate(f"sqlite:///{file}")  # closing the last connection moves the log into the file
        return file.read_bytes()


@cache
def _template(server_url: str) -> str:
    url = make_database(server_url)
    _migrate(url)
    return url.rsplit("/", 1)[1]


def _migrate(url: str) -> None:
    with Database(url) as database:
        database.migrate()
