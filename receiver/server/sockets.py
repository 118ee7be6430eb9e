"""Listening sockets: bound here, or taken over from systemd or from a supervisor."""

import errno
import os
import socket
import stat
from collections.abc import Mapping

from receiver.errors import SettingsError

_FIRST_ACTIVATED = 3
"""The number of the first socket that systemd passes, by its protocol (sd_listen_fds)."""

_HOW_TO_GIVE = "The parent must pass a listening socket under this number, or leave out --fd"


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A bound socket. With `reuse_port` other processes of this user may bind the same port.

    Raises SettingsError where the address or the port cannot be bound.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        _allow_sharing(listening)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        is_taken = error.errno == errno.EADDRINUSE
        advice = (
            "Does another program use it? Choose another port with --port" if is_taken else "Change --host or --port"
        )
        raise SettingsError(f"cannot listen on {host} port {port}: {error.strerror or error}. {advice}") from error
    return listening


def listen_for_each(host: str, port: int, count: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """A bound socket for each of `count` processes, all on one port: the kernel spreads connections over them.

    Each begins to listen when its process is ready, so that no connection waits for one that starts. Raises
    SettingsError.
    """
    if not reuse_port:
        first = listen(host, port)  # fails if the port is in use; with SO_REUSEPORT it would not
        port = first.getsockname()[1]
        first.close()
    sockets = [listen(host, port, reuse_port=True)]
    return sockets + [listen(host, sockets[0].getsockname()[1], reuse_port=True) for _ in range(count - 1)]


def from_descriptor(number: int, *, may_be_idle: bool = False) -> socket.socket:
    """The listening socket that another process has passed. Raises SettingsError if the descriptor is not one.

    With `may_be_idle` it need not listen yet.
    """
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            raise SettingsError(f"--fd {number} is not a socket. {_HOW_TO_GIVE}")
        passed = socket.socket(fileno=number)
        is_listening = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SettingsError(f"--fd {number} cannot be used: {error.strerror or error}. {_HOW_TO_GIVE}") from error
    if not is_listening and not may_be_idle:
        passed.detach()
        raise SettingsError(
            f"--fd {number} is not a listening socket: its parent must call listen() before it passes it"
        )
    return passed


def activated(environment: Mapping[str, str], process: int) -> list[int]:
    """The descriptors that systemd has passed to this process by socket activation; empty without activation."""
    if environment.get("LISTEN_PID") != str(process):
        return []
    count = environment.get("LISTEN_FDS", "0")
    return list(range(_FIRST_ACTIVATED, _FIRST_ACTIVATED + int(count))) if count.isdecimal() else []


def port_of(listening: socket.socket) -> int:
    """The port of a bound socket; 0 for a Unix socket."""
    name = listening.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0


def _allow_sharing(listening: socket.socket) -> None:
    option = getattr(socket, "SO_REUSEPORT", None)
    if option is None:
        listening.close()
        raise SettingsError("this system has no SO_REUSEPORT: start one process, without `reuse_port`")
    listening.setsockopt(socket.SOL_SOCKET, option, 1)
