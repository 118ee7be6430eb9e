"""Several processes on one port: started, replaced one after the other, and started again when one ends.

The supervisor holds the listening sockets. A process that ends, or is replaced, leaves its socket open, and connections
wait in it: so none is refused, neither by a crash nor by an upgrade. It imports nothing of the app, and so does not
need to be restarted to run new code.
"""

import asyncio
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from receiver.server.readiness_notice import notify

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a process that has ended is started again: doubled each time until one has run for a minute."""
STABLE_SECONDS = 60.0
START_SECONDS = 120.0
"""How long a process may take until it is ready: it may have to migrate the journal."""

Command = Callable[[int, bool], Sequence[str]]
"""The command line of a process: from the descriptor of its socket, and whether it prints the banner."""


@dataclass(slots=True, eq=False)
class _Child:
    process: asyncio.subprocess.Process
    started: float
    is_ready: bool = False


@dataclass(slots=True)
class _Slot:
    """The place of one process: its number, from 1, and its socket."""

    number: int
    socket: int
    child: _Child | None = None
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervisor:
    """Keeps `count` processes running, each on one of the sockets, which it closes when it stops.

    SIGTERM and SIGINT drain and stop all; SIGHUP replaces them one after the other by processes that load code and
    settings anew. `on_end` is called with the id of each process that has ended.
    """

    def __init__(
        self,
        command: Command,
        sockets: Sequence[socket.socket],
        count: int,
        *,
        environment: Mapping[str, str],
        on_end: Callable[[int], None],
    ) -> None:
        self._command = command
        self._environment = environment
        self._on_end = on_end
        self._sockets = tuple(sockets)
        descriptors = [one.fileno() for one in sockets]
        self._slots = [_Slot(number, descriptors[(number - 1) % len(sockets)]) for number in range(1, count + 1)]
        self._stopping = asyncio.Event()
        self._replace_wanted = asyncio.Event()
        self._children: set[_Child] = set()
        self._starts = 0

    async def run(self) -> int:
        """Run until a signal stops it; its exit code: that of the first process if it does not start, else 0."""
        self._listen_to_signals()
        first, *others = self._slots
        with tempfile.TemporaryDirectory(prefix="receiver-") as folder:
            self._folder = Path(folder)
            if code := await self._start_first(first):
                return code
            await asyncio.gather(*(self._start(slot) for slot in others))
            tasks = [asyncio.create_task(self._keep(slot)) for slot in self._slots]
            tasks.append(asyncio.create_task(self._replace_when_wanted()))
            notify("READY=1")
            await self._stopping.wait()
            notify("STOPPING=1")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stop_listening()
            await asyncio.gather(*map(self._stop, set(self._children)))
        return 0

    def _stop_listening(self) -> None:
        """Close the sockets here: once the processes have closed them too, connections are refused.

        Otherwise they would be accepted until this process ends, and then be reset with their requests.
        """
        for listening in self._sockets:
            listening.close()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._replace_wanted.set)

    def _on_stop(self) -> None:
        if self._stopping.is_set():  # the second signal: the first one to each process has set it draining
            for child in self._children:
                _send(child, signal.SIGINT)
        self._stopping.set()

    async def _start_first(self, slot: _Slot) -> int:
        """Start the first process alone: it migrates the journal, and says what is wrong with the settings."""
        child = await self._start(slot, banner=True)
        if child.is_ready:
            return 0
        return await self._stop(child) or 1

    async def _start(self, slot: _Slot, *, banner: bool = False) -> _Child:
        """Start a process, and wait until it is ready or has ended."""
        self._starts += 1
        address = str(self._folder / f"{slot.number}-{self._starts}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.bind(address)
            notices.setblocking(False)
            process = await asyncio.create_subprocess_exec(
                *self._command(slot.socket, banner),
                pass_fds=[slot.socket],
                env={**self._environment, "NOTIFY_SOCKET": address},
                start_new_session=True,  # Ctrl-C is for the supervisor, which then stops its processes
            )
            child = slot.child = _Child(process, time.monotonic())
            self._children.add(child)
            child.is_ready = await _is_ready(process, notices)
        os.unlink(address)
        return child

    async def _keep(self, slot: _Slot) -> None:
        """Start the process of a slot again whenever it has ended by itself."""
        pause = FIRST_PAUSE
        while True:
            child = slot.child
            assert child is not None  # noqa: S101 - each slot has a process before it is kept
            code = await child.process.wait()
            async with slot.changing:
                if slot.child is not child:
                    continue
                self._forget(child)
                pause = FIRST_PAUSE if time.monotonic() - child.started > STABLE_SECONDS else pause
                logger.error("process %d ended with exit code %d; another starts in %g s", slot.number, code, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                await self._start(slot)

    async def _replace_when_wanted(self) -> None:
        """Replace all processes for each SIGHUP; those that come meanwhile count as one more."""
        while True:
            await self._replace_wanted.wait()
            self._replace_wanted.clear()
            await self._replace_all()

    async def _replace_all(self) -> None:
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        logger.info("replacing %d processes one after the other", len(self._slots))
        for slot in self._slots:
            async with slot.changing:
                if not await self._replace(slot):
                    logger.error("the new process %d did not start: the old ones go on", slot.number)
                    break
        else:
            logger.info("all processes are replaced")
        notify("READY=1")

    async def _replace(self, slot: _Slot) -> bool:
        """Start a second process on the socket of the slot, and only then stop the first; False if it failed."""
        old = slot.child
        new = await self._start(slot)
        if not new.is_ready:
            slot.child = old
            await self._stop(new)
            return False
        if old is not None:
            await self._stop(old)
        return True

    async def _stop(self, child: _Child) -> int:
        _send(child, signal.SIGTERM)
        code = await child.process.wait()
        self._forget(child)
        return code

    def _forget(self, child: _Child) -> None:
        self._children.discard(child)
        self._on_end(child.process.pid)


async def _is_ready(process: asyncio.subprocess.Process, notices: socket.socket) -> bool:
    """Whether the process tells that it is ready, before it ends and in time."""
    ready = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(notices, 256))
    ended = asyncio.ensure_future(process.wait())
    await asyncio.wait({ready, ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    is_ready = ready.done() and b"READY=1" in ready.result()
    for task in (ready, ended):
        task.cancel()
    return is_ready


def _send(child: _Child, number: int) -> None:
    if child.process.returncode is None:
        child.process.send_signal(number)
