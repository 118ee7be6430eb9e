"""A whole receiver inside a test: real requests, a real journal in a temporary folder, and no network."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import httpx
from sqlalchemy import Connection

from receiver.app import Surroundings, build_app
from receiver.components import Components, load_components
from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import CallSetup, CallState, SimulatedCall, Sound
from receiver.scenarios.http_stubs import StubTransport
from receiver.scenarios.model import ScenarioError, StubbedHttp
from receiver.settings import Settings
from receiver.simulator import HttpSender, Player, Step, VirtualClock
from storage import Database, Delivery, StoredCallback, journal, queue
from storage.values import Filter

SETTLE_SECONDS = 10.0
MAX_CALLBACKS = 10_000
Found = TypeVar("Found")


class InProcessReceiver:
    """A receiver that a test calls with plain functions. Made by `in_process_receiver`.

    Deliveries run as in production, but failed ones are retried at once, and requests of `ctx.http` are answered by
    `stub`.
    """

    def __init__(self, portal: anyio.from_thread.BlockingPortal, components: Components, folder: Path) -> None:
        self.components = components
        """Settings, providers and handlers."""
        self._portal = portal
        self._stubs: list[StubbedHttp] = []
        self._database = Database(f"sqlite:///{folder}/journal.db")
        self._database.migrate()
        surroundings = Surroundings(StubTransport(self._stubs), retries_at_once=True)
        self._app = build_app(components, self._database, surroundings=surroundings)
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://receiver")

    async def start(self, stack: AsyncExitStack) -> None:
        """Start to receive and to deliver, until the stack is closed."""
        await stack.enter_async_context(self._app.site.router.lifespan_context(self._app.site))
        await stack.enter_async_context(self._client)

    def stub(self, url: str, *statuses: int, method: str = "", body: str = "") -> None:
        """Answer requests of `ctx.http` to addresses that begin with `url`, by default with 200."""
        self._stubs.append(StubbedHttp(url=url, method=method, statuses=statuses or (200,), body=body))

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send a request as a provider does; `content` is what httpx takes, such as `json=`."""
        return self._portal.call(partial(self._client.request, method, path, **content))

    def post(self, path: str, **content: Any) -> httpx.Response:
        """Send a POST request."""
        return self.request("POST", path, **content)

    def callbacks(self, **wanted: Any) -> list[StoredCallback]:
        """Stored callbacks, oldest first; `wanted` are the fields of a filter, such as `kind="CDR"`."""
        return self._read(lambda connection: journal.page(connection, Filter(**wanted), 0, MAX_CALLBACKS))

    def deliveries(self, **wanted: Any) -> list[Delivery]:
        """The deliveries of these callbacks, when all of them are finished."""
        deadline = perf_counter() + SETTLE_SECONDS
        while True:
            found = self._read(partial(_deliveries, wanted=Filter(**wanted)))
            if all(delivery.finished_at for delivery in found) or perf_counter() > deadline:
                return found
            self._portal.call(anyio.sleep, 0.005)

    def records(self, **wanted: Any) -> list[CallRecord]:
        """The call records of these callbacks."""
        found = []
        for callback in self.callbacks(**wanted):
            provider = self.components.providers[callback.provider]
            try:
                record = provider.record(reread(provider, callback))
            except PayloadError:
                continue
            if record is not None:
                found.append(record)
        return found

    def call(self, play: str = "", *, provider: str = "voicenter", **setup: Any) -> "PhoneCall":
        """Call the receiver: `setup` are fields of `CallSetup`, such as `did="0730000000"`."""
        owner = self.components.providers[provider]
        kinds = owner.simulations()
        if (play or next(iter(kinds))) not in kinds:
            raise ScenarioError(f"{owner.title} has no call {play!r}; it has {', '.join(kinds)}")
        clock = VirtualClock()
        call = kinds[play or next(iter(kinds))](CallSetup(**{"now": clock.now, **setup}))
        return PhoneCall(self._portal, Player(call, HttpSender(self._client, owner.path), clock))

    def _read(self, work: Callable[[Connection], Found]) -> Found:
        self._portal.call(self._app.settled)
        return self._portal.call(self._database.read, work)


def _deliveries(connection: Connection, wanted: Filter) -> list[Delivery]:
    callbacks = journal.page(connection, wanted, 0, MAX_CALLBACKS)
    return [delivery for callback in callbacks for delivery in queue.of_callback(connection, callback.id)]


class PhoneCall:
    """A call that a test makes. Methods for the caller's actions return the call itself and can be chained."""

    def __init__(self, portal: anyio.from_thread.BlockingPortal, player: Player) -> None:
        self._portal = portal
        self._player = player
        self._last: Step = portal.call(player.start)

    @property
    def simulated(self) -> SimulatedCall:
        """The simulated call."""
        return self._player.call

    @property
    def state(self) -> CallState:
        """The state of the call."""
        return self._player.call.state

    @property
    def hears(self) -> tuple[Sound, ...]:
        """What the caller hears now."""
        return self._player.call.hears

    @property
    def action(self) -> str:
        """The action of the last reply, by its wire name; empty if it has none."""
        instruction = self._player.call.instruction
        return instruction.action if instruction else ""

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the last reply, by their wire names."""
        instruction = self._player.call.instruction
        return dict(instruction.fields) if instruction else {}

    @property
    def faults(self) -> list[str]:
        """The faults in all replies of the call, which the provider would not understand."""
        return [str(fault) for fault in self._player.call.faults]

    def press(self, keys: str) -> "PhoneCall":
        """The caller presses keys. Raises AssertionError for one that has no effect."""
        for key in keys:
            self._do(key)
            assert self._last.was_taken, f"{key} had no effect: the call is {self.state}"  # noqa: S101 - tests use it
        return self

    def wait(self) -> "PhoneCall":
        """The caller does nothing until the provider continues after its timeout."""
        return self._do("wait")

    def callee(self, outcome: str) -> "PhoneCall":
        """The dialled side is answered, busy, no_answer, rejected, unavailable or invalid_number."""
        return self._do(outcome)

    def hang_up(self) -> "PhoneCall":
        """The caller hangs up, and the call is reported."""
        return self._do("hangup")

    def _do(self, action: str) -> "PhoneCall":
        self._last = self._portal.call(self._player.do, action)
        return self


@contextmanager
def in_process_receiver(folder: Path, settings: Settings) -> Iterator[InProcessReceiver]:
    """A receiver with a journal in `folder`, its event loop in a thread of its own.

    Raises SettingsError or HandlerError if the handlers cannot be loaded.
    """
    components = load_components(settings)
    with anyio.from_thread.start_blocking_portal() as portal:
        receiver = portal.call(_make, portal, components, folder)
        stack = AsyncExitStack()
        portal.call(receiver.start, stack)
        try:
            yield receiver
        finally:
            portal.call(stack.aclose)


async def _make(portal: anyio.from_thread.BlockingPortal, components: Components, folder: Path) -> InProcessReceiver:
    return InProcessReceiver(portal, components, folder)
