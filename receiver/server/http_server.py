"""The HTTP server of one process: it listens, becomes ready, drains and stops."""

import asyncio
import gc
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import uvicorn

from receiver.server.readiness_notice import notify
from receiver.server.stoppable import StoppableServer

SWITCH_SECONDS = 0.0005
"""How long one thread may keep the interpreter: callers wait for the event loop while rows are written."""

ACCEPT_SECONDS = 0.05
"""How long connections that wait in the socket are still accepted: a receiver that stops right after its start would
leave them to the next one."""


class HttpServer(StoppableServer):
    """A server that drains before it closes its port.

    `on_listening` is called once it listens, `on_draining` when it is told to stop. Between that and closing the port
    it serves for another `drain_seconds`, so that a load balancer which polls /readyz sends nothing more. With
    `supervisor`, the process id of its parent, it also stops when that process has ended.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_listening: Callable[[], None],
        on_draining: Callable[[], Awaitable[None]],
        drain_seconds: float = 0.0,
        supervisor: int | None = None,
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_draining = on_draining
        self._drain_seconds = drain_seconds
        self._supervisor = supervisor
        self._hurry = asyncio.Event()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The first signal drains, the second ends the draining."""
        if self.should_exit:
            self._hurry.set()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell so."""
        await super().startup(sockets)
        if self.started:
            _settle_memory()
            self._on_listening()
            notify("READY=1")

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to stop; asked ten times a second."""
        if self._supervisor is not None and os.getppid() != self._supervisor:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, close the port, finish what is in progress, and stop."""
        notify("STOPPING=1")
        await self._on_draining()
        if self._drain_seconds and not self.force_exit:
            await _wait_at_most(self._drain_seconds, self._hurry)
        await asyncio.sleep(ACCEPT_SECONDS)
        asyncio.get_running_loop().call_later(ACCEPT_SECONDS, self._end_late_connections)
        await super().shutdown(sockets)

    def _end_late_connections(self) -> None:
        """Drain connections too that were accepted while the port was being closed."""
        for connection in list(self.server_state.connections):
            connection.shutdown()


async def _wait_at_most(seconds: float, event: asyncio.Event) -> None:
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


def _settle_memory() -> None:
    """Exclude what is loaded by now from garbage collection, and collect less often than by default."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    sys.setswitchinterval(SWITCH_SECONDS)


def leave(code: int) -> NoReturn:
    """End the process even if a handler's thread hangs: Python would wait for it forever."""
    sys.stdout.flush()
    sys.stderr.flush()
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        os._exit(code)
    raise SystemExit(code)
