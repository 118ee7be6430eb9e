"""A temporary PostgreSQL cluster, started from the installed programs; initdb does not run as root."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psycopg

MISSING = (
    "PostgreSQL is not installed: its half of these tests is SKIPPED. "
    "`apt-get install postgresql`, or set RECEIVER_TEST_POSTGRES to the URL of a server whose databases may be made"
)


def programs() -> Path | None:
    """The folder of initdb and postgres, of the newest installed version."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    candidates = [*([Path(found).resolve().parent] if found else []), *reversed(folders)]
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


START_SECONDS = 60


class Cluster:
    """A private server on loopback, which tests may kill and restart."""

    def __init__(self, folder: Path, binaries: Path, *, durable: bool = True, settings: Sequence[str] = ()) -> None:
        self._binaries = binaries
        given = [*settings, *(() if durable else ("fsync=off", "full_page_writes=off"))]
        self._options = [part for setting in given for part in ("-c", setting)]
        self._data = folder / "data"
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.process: subprocess.Popen[bytes] | None = None

    def back_up_files(self, folder: Path) -> None:
        """A copy of the server's files while it runs, as pg_basebackup makes it."""
        self._run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-D", folder, "--checkpoint=fast"
        )

    def replace_files(self, folder: Path) -> None:
        """Continue with other files; the server must be stopped."""
        shutil.rmtree(self._data)
        folder.rename(self._data)

    @property
    def url(self) -> str:
        """The server's own database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, and wait until it answers; after a kill it may need several attempts."""
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > until:
                raise RuntimeError("PostgreSQL did not start")
            if self.process is None or self.process.poll() is not None:
                self.process = self._launch()
            time.sleep(0.1)

    def _launch(self) -> subprocess.Popen[bytes]:
        options = ("-D", self._data, "-k", self._folder, "-h", "127.0.0.1", "-p", str(self.port))
        return subprocess.Popen(
            [str(self._binaries / "postgres"), *map(str, options), "-c", "log_min_messages=fatal", *self._options],
            user=self._user,
            stderr=subprocess.DEVNULL,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def kill(self) -> None:
        """Kill the postmaster and all its children, as a power cut would."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(30)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Make the server hang: connections stay open, but get no answer."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume the server."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Stop the postmaster first, so that it starts no more children, then send the signal to all of them."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        for pid in children.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), number)
        os.kill(self.process.pid, number)

    def stop(self) -> None:
        """Stop the server without waiting for its clients."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._binaries / program), *map(str, arguments)]
        done = subprocess.run(command, user=self._user, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")


@contextmanager
def cluster(where: Path | None = None, *, durable: bool = True) -> Iterator[Cluster | None]:
    """A started cluster below `where`, or None where PostgreSQL is not installed.

    One that is not durable may lose data if the machine stops, and takes less time; killed processes lose nothing.
    """
    binaries = programs()
    if binaries is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="receiver-postgres-", dir=where))
    server = Cluster(folder, binaries, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def make_database(server_url: str) -> str:
    """The URL of a new, empty database on this server."""
    name = f"receiver_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server_url.rsplit("/", 1)[0] + f"/{name}"


def drop_database(url: str) -> None:
    """Drop a database, with the connections to it: many together take gigabytes."""
    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
