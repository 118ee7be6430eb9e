"""Several processes of `receiver serve` on one port, and their supervisor."""

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from prometheus_client.multiprocess import mark_process_dead

from receiver.cli import logs, program
from receiver.cli.main import report_errors
from receiver.metrics import SHARED_FOLDER
from receiver.server import sockets
from receiver.server.supervisor import Supervisor
from receiver.setting_sources import PREFIX
from receiver.settings import Settings


def serve_processes(settings: Settings, given: Mapping[str, Any], *, fd: int | None, deliveries: bool) -> NoReturn:
    """Keep `settings.processes` processes running until a signal stops them, then end."""
    with report_errors():
        logs.configure(settings)
        listening = _sockets(settings, fd)
    with tempfile.TemporaryDirectory(prefix="receiver-metrics-") as folder:
        supervisor = Supervisor(
            partial(_command, deliveries=deliveries),
            listening,
            settings.processes,
            environment=_environment(given, folder if settings.metrics else ""),
            on_end=partial(mark_process_dead, path=folder),
        )
        code = asyncio.run(supervisor.run())
    raise SystemExit(code)


def _sockets(settings: Settings, fd: int | None) -> Sequence[socket.socket]:
    """What to listen on: the descriptor, what systemd has passed, or a socket of its own for each process."""
    if passed := [fd] if fd is not None else sockets.activated(os.environ, os.getpid()):
        return [sockets.from_descriptor(number) for number in passed]
    return sockets.listen_for_each(settings.host, settings.port, settings.processes, reuse_port=settings.reuse_port)


def _command(descriptor: int, banner: bool, *, deliveries: bool) -> list[str]:
    called = [program.called()] if program.called() else [sys.executable, "-m", "receiver"]
    own = [*called, "serve", "--fd", str(descriptor), "--supervisor", str(os.getpid())]
    return own + ([] if deliveries else ["--no-deliveries"]) + ([] if banner else ["--no-banner"])


def _environment(given: Mapping[str, Any], shared_folder: str) -> dict[str, str]:
    """The environment of each process: what the command line has set, as variables, which have no place in `ps`."""
    own = {name: value for name, value in os.environ.items() if name not in {"LISTEN_FDS", "LISTEN_PID"}}
    for name, value in given.items():
        if value not in (None, []):
            own[PREFIX + name.upper()] = ",".join(value) if isinstance(value, list) else str(value)
    return own | ({SHARED_FOLDER: shared_folder} if shared_folder else {})
