"""A whole phone call against the handlers of a module: `call(handlers).press("1").expect(Call(...))`."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from receiver.errors import HandlerError
from receiver.plugins.call_history import CallHistory, CallStep
from receiver.plugins.handlers import Handlers
from receiver.providers.base.contract import CallbackRequest, HttpReply, ParsedCallback, Provider, Reply
from receiver.providers.base.discovery import discover
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import CallSetup, CallState, OutgoingRequest, SimulatedCall, Sound
from receiver.simulator import Player, Step, VirtualClock
from receiver.testing.direct import answer, deliver
from receiver.wire.reply_values import reply_values


def call(
    handlers: Handlers,
    play: str = "",
    *,
    provider: str = "voicenter",
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    starts_at: datetime | None = None,
    **setup: Any,
) -> "PlayedCall":
    """Begin a call to the handlers, and answer its first question.

    `play` is one of the provider's calls, its usual one by default; `setup` are fields of `CallSetup`, such as
    `did="0730000000"`. `starts_at` is the simulated time of the first question, now by default. If a handler raises, so
    does the method that runs it.
    """
    provider_class = discover()[provider]
    owner = provider_class(provider_class.options_type())
    kinds = owner.simulations()
    clock = VirtualClock(starts_at)
    simulated = kinds[play or next(iter(kinds))](CallSetup(**{"now": clock.now, **setup}))
    return PlayedCall(handlers, owner, simulated, clock, settings, http)


class PlayedCall:
    """A call in progress. Methods for the caller's actions return the call itself and can be chained."""

    def __init__(
        self,
        handlers: Handlers,
        provider: Provider[Any],
        simulated: SimulatedCall,
        clock: VirtualClock,
        settings: Mapping[str, Any] | None,
        http: httpx.AsyncClient | None,
    ) -> None:
        self._handlers = handlers
        self._provider = provider
        self._clock = clock
        self._settings = settings
        self._http = http
        self._player = Player(simulated, self._send, clock)
        self.reply: Reply | None = None
        """The last reply, as the handler returned it."""
        self.handled: list[str] = []
        """Names of the handlers that got a report of the call, in order."""
        self.history = CallHistory()
        """What handlers that ask for the call's history find in `ctx.call`: the steps so far, and their state."""
        self._run(self._player.start())

    @property
    def state(self) -> CallState:
        """The state of the call."""
        return self._player.call.state

    @property
    def hears(self) -> tuple[Sound, ...]:
        """What the caller hears now."""
        return self._player.call.hears

    @property
    def position(self) -> str:
        """The name of the current menu or layer."""
        return self._player.call.position

    def press(self, keys: str) -> "PlayedCall":
        """The caller presses keys. Raises AssertionError for one that has no effect."""
        for key in keys:
            step = self._run(self._player.do(key))
            assert step.was_taken, f"{key} had no effect: the call is {self.state}"  # noqa: S101 - tests use it
        return self

    def wait(self) -> "PlayedCall":
        """The caller does nothing until the provider continues after its timeout."""
        return self._do("wait")

    def callee(self, outcome: str) -> "PlayedCall":
        """The dialled side is answered, busy, no_answer, rejected, unavailable or invalid_number."""
        return self._do(outcome)

    def hang_up(self) -> "PlayedCall":
        """The caller hangs up, and the call is reported."""
        return self._do("hangup")

    def expect(self, reply: Reply) -> "PlayedCall":
        """Compare the last reply with this one. Raises AssertionError that shows both."""
        assert self.reply == reply, f"the reply is another one\nexpected {reply!r}\ngot      {self.reply!r}"  # noqa: S101
        return self

    def _do(self, action: str) -> "PlayedCall":
        self._run(self._player.do(action))
        return self

    def _run(self, doing: Any) -> Step:
        """Perform an action; handlers run in a thread, with an event loop of their own."""
        step: Step = asyncio.run(doing)
        for fault in (fault for exchange in step.exchanges for fault in exchange.faults):
            raise HandlerError(f"the provider would not understand the reply: {fault}")
        return step

    async def _send(self, request: OutgoingRequest) -> HttpReply:
        return await asyncio.to_thread(self._answer, request)

    def _answer(self, request: OutgoingRequest) -> HttpReply:
        callback, dialect = self._read(request)
        event = callback.event
        if event is None:
            raise HandlerError(f"the simulated {request.kind} cannot be read: {callback.reason}")
        if request.asks:
            now = self._clock.now()
            self.reply = answer(self._handlers, event, self._settings, self._http, self.history, received_at=now)
            return self._remember(event, "answered", self._provider.write(self.reply, dialect))
        record = self._provider.record(event)
        for subject in (event, record):
            if subject is not None:
                self.handled += self._deliver(subject)
        return self._remember(event, "accepted", self._provider.acknowledge(callback.kind, dialect))

    def _deliver(self, subject: Event | CallRecord) -> list[str]:
        now = self._clock.now()
        return deliver(self._handlers, subject, self._settings, self._http, self.history, received_at=now)

    def _remember(self, event: Event, outcome: str, reply: HttpReply) -> HttpReply:
        """Add a step to the history of the call, as the journal would have it."""
        values = reply_values(reply.body)
        step = CallStep(self._clock.now(), event, outcome, values if isinstance(values, dict) else {})
        self.history.steps = (*self.history.steps, step)
        return reply

    def _read(self, request: OutgoingRequest) -> tuple[ParsedCallback, Any]:
        path, _, query = request.target.partition("?")
        endpoint = self._provider.endpoint_of(self._provider.path + path)
        parsed = self._provider.read(
            CallbackRequest(
                endpoint=endpoint,
                method=request.method,
                path=self._provider.path + path,
                query=query.encode(),
                headers=request.headers,
                body=request.body,
            )
        )
        return parsed.callbacks[0], parsed.dialect
