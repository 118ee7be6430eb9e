"""PostgreSQL's archived write-ahead log restores what was stored after the last copy of its files."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from storage import Database, journal
from storage.values import Filter
from tests.postgres import MISSING, Cluster, make_database, programs
from tests.scenarios.serving import wait_until
from tests.storage.support import new_callback


@pytest.fixture
def server() -> Iterator[tuple[Cluster, Path]]:
    """A private server that archives its log, and its folder."""
    binaries = programs()
    if binaries is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="receiver-postgres-") as name:
        folder = Path(name)
        archive = f"archive_command=test ! -f {folder}/wal/%f && cp %p {folder}/wal/%f"
        settings = ["archive_mode=on", archive, f"restore_command=cp {folder}/wal/%f %p"]
        server = Cluster(folder, binaries, durable=False, settings=settings)
        (folder / "wal").mkdir(mode=0o777)
        (folder / "wal").chmod(0o777)  # the server runs as a user of its own
        try:
            server.start()
            yield server, folder
        finally:
            server.stop()


def test_an_archived_log_restores_what_came_after_the_copy(server: tuple[Cluster, Path]) -> None:
    """The server's files are lost; the copy and the archive, as docs/data.md describes them, have every callback."""
    postgresql, folder = server
    url = make_database(postgresql.url)
    with Database(url) as database:
        database.migrate()
        _store(database, "before")
        postgresql.back_up_files(folder / "base")
        _store(database, "after")
    _archive_all(postgresql, folder / "wal")
    postgresql.kill()
    (folder / "base" / "recovery.signal").touch()
    postgresql.replace_files(folder / "base")
    postgresql.start()
    with Database(url) as database, database.read_only() as connection:
        assert [one.body for one in journal.page(connection, Filter(), 0, 10)] == [b"before", b"after"]


def _store(database: Database, content: str) -> None:
    with database.begin() as connection:
        journal.append(connection, [new_callback(content, body=content.encode())])


def _archive_all(server: Cluster, archive: Path) -> None:
    """Close the segment in use, and wait until it is archived."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None
    wait_until(partial((archive / row[0]).exists))
