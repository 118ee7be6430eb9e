"""A listening sandbox: in the foreground for the command, in a thread for tests."""

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import uvicorn

from receiver.errors import SettingsError
from receiver.providers.base.sandbox import PlacedCall
from receiver.sandbox.app import Sandbox
from receiver.sandbox.control import ControlApi, Description
from receiver.sandbox.settings import CallbackFaults, SandboxSettings
from receiver.server.sockets import listen
from receiver.server.stoppable import StoppableServer

START_SECONDS = 30.0
IDLE_SECONDS = 120
"""How long an idle connection is kept: longer than clients keep theirs, so that none is closed under a request."""
STOP_SECONDS = 1
"""How long requests that are slow on purpose are waited for at the end."""


def url_of(listening: socket.socket) -> str:
    """The address of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class SandboxServer(StoppableServer):
    """Serves a sandbox, and says so with `on_listening` as soon as it does."""

    def __init__(self, sandbox: Sandbox, on_listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                sandbox.app,
                lifespan="on",
                ws="none",
                access_log=False,
                log_config=None,
                log_level="critical",  # a reply that is cut on purpose is no error
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._on_listening = on_listening

    async def startup(self, sockets: Any = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._on_listening()


class RunningSandbox:
    """A sandbox that listens in a thread of its own, for tests. Enter it to start it.

    Everything can be asked from the test's own thread, without `await`.
    """

    def __init__(self, settings: SandboxSettings) -> None:
        """Raises SettingsError."""
        self.settings = settings
        self._listening = listen("127.0.0.1", 0)
        self.url = url_of(self._listening)
        """Its address: http://127.0.0.1:PORT."""
        self._is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sandbox: Sandbox | None = None
        self._server: SandboxServer | None = None
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._is_up.wait(START_SECONDS) or self._problem:
            raise SettingsError(f"the sandbox did not start: {self._problem}") from self._problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(START_SECONDS)
        self._listening.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._problem = error
        finally:
            self._is_up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sandbox = Sandbox(self.settings)
        self._server = SandboxServer(self._sandbox, self._is_up.set)
        await self._server.serve(sockets=[self._listening])

    # --- for tests ---

    def base_url(self, provider: str) -> str:
        """The address of a provider's API, such as http://127.0.0.1:PORT/voicenter, for a client's `base_url`."""
        return f"{self.url}/{provider}"

    @property
    def voicenter(self) -> str:
        """`base_url("voicenter")`."""
        return self.base_url("voicenter")

    @property
    def spokn(self) -> str:
        """`base_url("spokn")`."""
        return self.base_url("spokn")

    @property
    def viviphone(self) -> str:
        """`base_url("viviphone")`."""
        return self.base_url("viviphone")

    @property
    def anveo(self) -> str:
        """`base_url("anveo")`."""
        return self.base_url("anveo")

    @property
    def calls(self) -> list[PlacedCall]:
        """Every call so far, with what became of its callbacks."""
        return list(self._started.exchange.calls)

    def call(self, **wanted: Any) -> list[PlacedCall]:
        """Place incoming calls: what POST /sandbox/calls takes, such as `did="0730000000", keys="1"`."""
        description = Description.model_validate(wanted)
        control = ControlApi(self._started.exchange, self._started.parts)

        async def place() -> list[PlacedCall]:
            return control.place(description)

        placed: list[PlacedCall] = self._do(place())
        return placed

    def wait(self, seconds: float = 30.0) -> list[PlacedCall]:
        """Wait until no call is live and all is sent; every call. Raises TimeoutError where that takes longer."""
        if not self._do(self._started.exchange.idle(seconds)):
            raise TimeoutError(f"calls still go on after {seconds} seconds; raise `speed`, or wait longer")
        return self.calls

    def set_callbacks(self, **rates: float) -> None:
        """Lose, repeat, delay or reorder callbacks from now on: `drop=0.5`."""
        sender = self._started.exchange.sender
        sender.faults = CallbackFaults.model_validate(sender.faults.model_dump() | rates)

    @property
    def _started(self) -> Sandbox:
        if self._sandbox is None:
            raise RuntimeError("the sandbox is not started; use it as a context manager")
        return self._sandbox

    def _do(self, work: Any) -> Any:
        if self._loop is None:
            raise RuntimeError("the sandbox is not started; use it as a context manager")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
