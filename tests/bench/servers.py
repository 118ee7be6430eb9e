"""The measured servers, each in its own process on its own core."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

from receiver.components import make_providers
from receiver.settings import Settings
from receiver.wire import Format
from tests.bench.machine import allowed_cores, on_cores
from tests.scenarios.serving import COMMAND, Receiver

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
WEBHOOK_MISSING = "webhook is not installed: `apt-get install webhook`"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its URL and its process."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of the server and all its processes, in seconds."""
        return sum(map(_cpu_seconds, self._processes()))

    def peak_mb(self) -> float:
        """Peak memory of the server and all its processes together, in MB."""
        return sum(map(peak_mb, self._processes()))

    def _processes(self) -> list[int]:
        listed = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False)
        return [self.pid, *map(int, listed.stdout.split())]


def _cpu_seconds(pid: int) -> float:
    """Processor time of a process and its ended children, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int | str) -> float:
    """Peak memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:"))


@contextmanager
def receiver(
    folder: Path,
    core: int,
    database_url: str,
    handlers: Sequence[str] = (),
    *,
    processes: int = 1,
    shutdown_seconds: float = 10,
) -> Iterator[Server]:
    """`receiver serve` with default settings, as users run it; it is stopped at the end, with everything stored.

    Several processes run on the core of the load, too.
    """
    with _notices(folder) as ready:
        running = Receiver(
            folder,
            "--database-url",
            database_url,
            command=[*on_cores(core, *(allowed_cores() if processes > 1 else ())), *COMMAND],
            RECEIVER_PROCESSES=str(processes),
            NOTIFY_SOCKET=str(folder / "notices"),
            PYTHONPATH=str(ROOT),
            RECEIVER_HANDLERS=",".join(f"tests.bench.handlers.{name}" for name in handlers),
            RECEIVER_LOG_LEVEL="error",
            RECEIVER_SHUTDOWN_SECONDS=str(shutdown_seconds),
        )
        try:
            ready()
            yield Server(running.url, running.process.pid)
        finally:
            if running.process.poll() is None:
                running.stop()


@contextmanager
def _notices(folder: Path) -> Iterator[Callable[[], bytes]]:
    """A socket for the notices of a server; what is yielded waits until all its processes are ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(folder / "notices"))
        notices.settimeout(START_SECONDS)
        yield lambda: notices.recv(256)


@contextmanager
def uvicorn_peer(folder: Path, core: int, module: str, **environment: str) -> Iterator[Server]:
    """An ASGI app of `peers`, served like the receiver: uvloop, httptools, no access log."""
    port = free_port()
    app = ("-m", "uvicorn", f"tests.bench.peers.{module}:app", "--port", str(port))
    engines = ("--loop", "uvloop", "--http", "httptools", "--ws", "none")
    quiet = ("--no-access-log", "--no-server-header", "--log-level", "warning")
    command = [sys.executable, *app, *engines, *quiet]
    with _process(folder, core, command, port, BENCH_REPLY_BYTES=str(acknowledgement_size()), **environment) as server:
        yield server


@contextmanager
def xmlrpc_peer(folder: Path, core: int) -> Iterator[Server]:
    """The standard library's XML-RPC server."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.peers.xmlrpc_threads", str(port)]
    with _process(folder, core, command, port) as server:
        yield server


@contextmanager
def webhook_peer(folder: Path, core: int) -> Iterator[Server]:
    """webhook, a server in Go that starts a program for each request, and replies when the program has ended."""
    hook = {"id": "voicenter", "execute-command": "/bin/true", "include-command-output-in-response": True}
    (folder / "hooks.json").write_bytes(orjson.dumps([hook]))
    port = free_port()
    command = ["webhook", "-hooks", "hooks.json", "-urlprefix", "", "-ip", "127.0.0.1", "-port", str(port)]
    with _process(folder, core, command, port) as server:
        yield server


def webhook_installed() -> bool:
    """Whether webhook is installed."""
    return shutil.which("webhook") is not None


def acknowledgement_size() -> int:
    """Bytes of the receiver's own acknowledgement of a CDR."""
    voicenter = make_providers(Settings())["voicenter"]
    return len(voicenter.write(voicenter.acknowledgement("CDR"), Format.XMLRPC).body)


def free_port() -> int:
    """A free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _process(folder: Path, core: int, command: list[str], port: int, **environment: str) -> Iterator[Server]:
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [*on_cores(core), *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process, folder / "output.txt")
        yield Server(url, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(url, timeout=2)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start:\n{output.read_text()}")
