"""A receiver behind a real pgBouncer with deploy/pgbouncer.ini, whose clients share two connections."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError
from sqlalchemy import make_url, text

from receiver.plugins import Handlers
from receiver.providers.voicenter import Cdr
from receiver.settings import Settings
from storage import Database, notifications
from storage.errors import DatabaseUrlError
from tests.deploy.generate import DEPLOY
from tests.scenarios.serving import free_port
from tests.support import eventually, running

PGBOUNCER = shutil.which("pgbouncer", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed: apt-get install pgbouncer")


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    """The URL of an empty database through pgBouncer, which runs as another user than root."""
    server, port = make_url(postgres_url), free_port()
    place = f"host={server.host} port={server.port or 5432}"
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="receiver-pgbouncer-"))
    (folder / "userlist.txt").write_text(f'"{server.username}" "{server.password or ""}"\n')
    changes = {
        "receiver = host=db.example.com port=5432 dbname=receiver": f"* = {place}",
        "listen_port = 6432": f"listen_port = {port}\nunix_socket_dir =",
        "auth_type = scram-sha-256": "auth_type = trust",
        "/etc/pgbouncer/userlist.txt": f"{folder}/userlist.txt",
        "default_pool_size = 20": "default_pool_size = 2",
    }
    configuration = (DEPLOY / "pgbouncer.ini").read_text(encoding="utf-8")
    for written, here in changes.items():
        assert written in configuration
        configuration = configuration.replace(written, here)
    (folder / "pgbouncer.ini").write_text(configuration)
    for path in (folder, *folder.iterdir()):
        if user:
            shutil.chown(path, user)
    process = subprocess.Popen([str(PGBOUNCER), "-q", folder / "pgbouncer.ini"], user=user, stderr=subprocess.DEVNULL)
    url = server.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    try:
        _wait_for(url)
        yield f"{url}?pgbouncer=true"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


async def test_a_receiver_works_through_pgbouncer(pooled_url: str) -> None:
    """Many callbacks at once are stored and delivered, though no statement may stay with a connection."""
    handled: list[str] = []
    handlers = Handlers()

    @handlers.on(Cdr, name="crm")
    def crm(cdr: Cdr) -> None:
        handled.append(cdr.ivr_unique_id or "")

    async with running(pooled_url, handlers) as started:
        for batch in range(4):
            sent = (
                started.client.post("/voicenter", json={"caller": "1", "ivruniqueid": f"{batch}-{number}"})
                for number in range(20)
            )
            assert {reply.status_code for reply in await asyncio.gather(*sent)} == {200}
        await eventually(lambda: len(handled) == 80)
    assert len(started.callbacks()) == len(set(handled)) == 80


def test_statements_have_their_time_limits_through_pgbouncer(pooled_url: str) -> None:
    """It takes none at the start of a connection, so each transaction sets them."""
    with Database(pooled_url) as database, database.read_only() as connection:
        for name, value in (("statement_timeout", "30s"), ("lock_timeout", "10s"), ("TimeZone", "UTC")):
            assert connection.execute(text(f"SHOW {name}")).scalar() == value


async def test_workers_are_notified_through_the_server_itself(pooled_url: str, postgres_url: str) -> None:
    """`listen_url` names it; without one there is nothing to listen to, and workers poll."""
    with Database(pooled_url) as database:
        await notifications.listen(database, lambda: None)
        heard = list[int]()
        listening = asyncio.create_task(notifications.listen(database, lambda: heard.append(1), url=postgres_url))
        await eventually(lambda: len(heard) == 1)  # it listens
        await database.write(notifications.notify)
        await eventually(lambda: len(heard) == 2)
        listening.cancel()


def test_the_settings_say_what_to_write() -> None:
    """In the URL of the journal, and in that of the server."""
    with pytest.raises(DatabaseUrlError, match="write pgbouncer=true into the database URL"):
        Database("postgresql://me@host/db?pgbouncer=yes")
    with pytest.raises(ValidationError, match="the PostgreSQL server itself, such as postgresql://"):
        Settings(listen_url="sqlite:///receiver.db")
