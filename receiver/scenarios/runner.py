"""Run scenarios against receivers in this process, with temporary journals."""

import asyncio
import logging
import shutil
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import Connection

from receiver.app import Surroundings, build_app
from receiver.components import Components, load_components
from receiver.errors import PayloadError, ReceiverError
from receiver.intake.reread import reread
from receiver.providers.base.contract import Mode, Provider
from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import CallSetup, SimulatedCall, new_call_id
from receiver.scenarios.checks import (
    PlayedStep,
    Problem,
    check_handlers,
    check_outcomes,
    check_records,
    check_step,
)
from receiver.scenarios.http_stubs import StubTransport
from receiver.scenarios.model import LoadedScenario, Scenario, ScenarioError, ScenarioStep, load_scenario
from receiver.scenarios.tracebacks import author_frames
from receiver.settings import Settings
from receiver.simulator import HttpSender, Player, VirtualClock
from receiver.web.callback_app import CallbackApp
from storage import Database, Delivery, StoredCallback, journal, queue
from storage.values import Filter

SETTLE_SECONDS = 10.0
"""Seconds that deliveries may take after the call."""
POLL_SECONDS = 0.005
JOBS = 64
"""Scenarios that run at the same time: they mostly wait for a commit, and then share it."""
MAX_CALLBACKS = 1_000


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """The result of a scenario; it passed if it has no problems."""

    loaded: LoadedScenario
    problems: tuple[Problem, ...]
    seconds: float

    @property
    def has_passed(self) -> bool:
        """Whether there are no problems."""
        return not self.problems


NOTHING = Scenario.model_validate({"step": [{}]})
"""What stands for the scenario of a file that cannot be read."""


def load_scenarios(paths: Sequence[Path]) -> tuple[list[LoadedScenario], list[ScenarioResult]]:
    """The scenarios in these files, and a failed result for each file that cannot be read."""
    loaded: list[LoadedScenario] = []
    broken: list[ScenarioResult] = []
    for path in paths:
        try:
            loaded.append(load_scenario(path))
        except ScenarioError as error:
            place = LoadedScenario(path=path, name=path.stem, scenario=NOTHING)
            problems = [Problem(line.removeprefix(f"{path}: ")) for line in str(error).splitlines()]
            broken.append(ScenarioResult(place, tuple(problems), 0.0))
    return loaded, broken


@dataclass(frozen=True, slots=True)
class _Receiver:
    """A receiver in this process that scenarios are played against."""

    components: Components
    database: Database
    client: httpx.AsyncClient
    stubs: StubTransport
    app: CallbackApp


class ScenarioRunner:
    """Runs scenarios, several at the same time. An async context manager with temporary journals and their receivers.

    Scenarios with the same handlers share a receiver, because calls are independent. A scenario with `[[http]]` or a
    call id of its own has its own receiver.
    """

    def __init__(self, settings: Settings, jobs: int = JOBS) -> None:
        self._settings = settings
        self._places = asyncio.Semaphore(jobs)
        self._components: dict[str, Components] = {}
        self._shared: dict[str, _Receiver] = {}
        self._stack = AsyncExitStack()
        self._folder = Path()
        self._count = 0

    async def __aenter__(self) -> Self:
        temporary = tempfile.TemporaryDirectory(prefix="receiver-scenarios-")
        self._folder = Path(self._stack.enter_context(temporary))
        with Database(f"sqlite:///{self._folder}/empty.db") as database:
            database.migrate()
            database.checkpoint()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run_all(self, scenarios: Sequence[LoadedScenario]) -> list[ScenarioResult]:
        """The results, in order. Raises SettingsError or HandlerError if the handlers cannot be loaded."""
        for loaded in scenarios:
            self._components_of(loaded.scenario)
        for loaded in scenarios:
            if not _is_alone(loaded.scenario):
                await self._shared_receiver(loaded.scenario)
        return await asyncio.gather(*map(self.run, scenarios))

    async def run(self, loaded: LoadedScenario) -> ScenarioResult:
        """Play one scenario and compare. Raises SettingsError or HandlerError if its handlers cannot be loaded."""
        scenario = loaded.scenario
        async with self._places, AsyncExitStack() as stack:
            began = perf_counter()
            if _is_alone(scenario):
                receiver = await self._start(scenario, stack)
            else:
                receiver = await self._shared_receiver(scenario)
            try:
                problems = tuple(await _problems(scenario, receiver))
            except ReceiverError as error:
                problems = (Problem(str(error)),)
            return ScenarioResult(loaded, problems, perf_counter() - began)

    async def _shared_receiver(self, scenario: Scenario) -> _Receiver:
        key = _key(scenario)
        if key not in self._shared:
            self._shared[key] = await self._start(scenario, self._stack)
        return self._shared[key]

    async def _start(self, scenario: Scenario, stack: AsyncExitStack) -> _Receiver:
        """A receiver that runs until the stack is closed."""
        self._count += 1
        file = self._folder / f"{self._count}.db"
        shutil.copyfile(self._folder / "empty.db", file)
        components, stubs = self._components_of(scenario), StubTransport(scenario.http)
        database = Database(f"sqlite:///{file}")
        app = build_app(components, database, surroundings=Surroundings(stubs, retries_at_once=True))
        await stack.enter_async_context(app.site.router.lifespan_context(app.site))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver")
        return _Receiver(components, database, await stack.enter_async_context(client), stubs, app)

    def _components_of(self, scenario: Scenario) -> Components:
        """The scenario's handlers and providers, loaded once for all scenarios with the same ones."""
        key = _key(scenario)
        if key not in self._components:
            self._components[key] = load_components(scenario_settings(self._settings, scenario))
        return self._components[key]


def _key(scenario: Scenario) -> str:
    return repr((scenario.handlers, scenario.handler_settings))


def _is_alone(scenario: Scenario) -> bool:
    return bool(scenario.http or scenario.call_id)


async def _problems(scenario: Scenario, receiver: _Receiver) -> list[Problem]:
    """All differences from what the scenario expects. Raises SimulationError or ScenarioError."""
    providers = receiver.components.providers
    provider = providers.get(scenario.provider)
    if provider is None:
        raise ScenarioError(f"there is no provider {scenario.provider!r}; there are {', '.join(providers)}")
    with _FailureLog() as failures:
        call, played = await _play(scenario, provider, receiver.client)
        wanted = [Filter(provider=provider.name, call_id=call_id) for call_id in call.call_ids]
        await receiver.app.settled()
        found = await _settled(receiver.database, wanted)
    problems = [problem for step in played for problem in check_step(step)]
    problems += _check_call(scenario, provider, played, found)
    problems += receiver.stubs.problems()
    return list(
        dict.fromkeys(failures.explain(problems, call.call_id))
    )  # a handler fails alike for each record of a call


def scenario_settings(settings: Settings, scenario: Scenario) -> Settings:
    """The settings of a scenario: its own handlers, and no access control, because no network is used."""
    handler_settings = {name: dict(values) for name, values in settings.handler_settings.items()}
    for name, values in scenario.handler_settings.items():
        handler_settings.setdefault(name, {}).update(values)
    providers = {
        name: {key: value for key, value in options.items() if key not in {"secrets", "passwords", "allow_from"}}
        for name, options in settings.providers.items()
    }
    return settings.model_copy(
        update={
            "handlers": list(scenario.handlers) or settings.handlers,
            "handler_settings": handler_settings,
            "providers": providers,
            "secrets": [],
            "passwords": [],
            "allow_from": [],
            "max_rate_per_address": 0,
            "shutdown_seconds": 1.0,
        }
    )


def make_call(scenario: Scenario, provider: Provider[Any], clock: VirtualClock) -> SimulatedCall:
    """The simulated call of a scenario. Raises SimulationError or ScenarioError if it is not possible."""
    kinds = provider.simulations()
    name = scenario.play or next(iter(kinds), "")
    setup = CallSetup(
        caller=scenario.caller,
        did=scenario.did,
        caller_name=scenario.caller_name,
        format=scenario.format,
        now=clock.now,
        options=scenario.options,
        call_id=scenario.call_id or new_call_id(),
    )
    if name not in kinds:
        raise ScenarioError(f"play: {provider.title} has no call {name!r}; it has {', '.join(kinds)}")
    return kinds[name](setup)


async def _play(
    scenario: Scenario, provider: Provider[Any], client: httpx.AsyncClient
) -> tuple[SimulatedCall, list[PlayedStep]]:
    """Play the steps; the caller hangs up at the end."""
    clock = VirtualClock()
    call = make_call(scenario, provider, clock)
    player = Player(call, HttpSender(client, provider.path), clock)
    played: list[PlayedStep] = []
    for number, step in enumerate(scenario.steps):
        done = [await player.start()] if number == 0 else []
        for action in step.actions:
            done.append(await player.do(action))
        played.append(PlayedStep(number, step, tuple(done), call.state, call.position))
    if not call.has_ended:
        last = await player.do("hangup")
        played.append(PlayedStep(None, ScenarioStep(), (last,), call.state, call.position))
    return call, played


@dataclass(frozen=True, slots=True)
class _Stored:
    """The rows of a call in the journal."""

    callbacks: list[StoredCallback]
    deliveries: list[Delivery]

    @property
    def is_settled(self) -> bool:
        """Whether no delivery is unfinished."""
        return all(delivery.finished_at is not None for delivery in self.deliveries)


async def _settled(database: Database, wanted: Sequence[Filter]) -> _Stored:
    """The rows of a call when all its deliveries are finished, or after SETTLE_SECONDS."""
    deadline = perf_counter() + SETTLE_SECONDS
    while True:
        found = await database.read(partial(_stored, wanted=wanted))
        if found.is_settled or perf_counter() > deadline:
            return found
        await asyncio.sleep(POLL_SECONDS)


def _stored(connection: Connection, wanted: Sequence[Filter]) -> _Stored:
    callbacks = [callback for one in wanted for callback in journal.page(connection, one, 0, MAX_CALLBACKS)]
    deliveries = [delivery for callback in callbacks for delivery in queue.of_callback(connection, callback.id)]
    return _Stored(callbacks, deliveries)


def _check_call(
    scenario: Scenario, provider: Provider[Any], played: Sequence[PlayedStep], found: _Stored
) -> list[Problem]:
    """The checks of the whole call."""
    questions = [callback for callback in found.callbacks if _asks(provider, callback)]
    return [
        *check_outcomes(played, questions),
        *check_records(scenario.records, call_records(provider, found.callbacks)),
        *check_handlers(scenario.handlers_run, found.deliveries),
    ]


def _asks(provider: Provider[Any], callback: StoredCallback) -> bool:
    kind = provider.kind(callback.kind)
    return kind is not None and kind.mode is Mode.ASK


def call_records(provider: Provider[Any], callbacks: Sequence[StoredCallback]) -> list[CallRecord]:
    """The call records of stored callbacks, in order; what cannot be read has none."""
    found = []
    for callback in callbacks:
        try:
            record = provider.record(reread(provider, callback))
        except PayloadError:
            continue
        if record is not None:
            found.append(record)
    return found


class _FailureLog(logging.Handler):
    """Collects the tracebacks of `answer` handlers: the journal only has the reason."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._found: list[tuple[str, str, str]] = []

    def __enter__(self) -> Self:
        logging.getLogger("receiver").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("receiver").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the traceback of a failed handler."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            text = "".join(traceback.format_exception(error))
            call_id = str(getattr(record, "call_id", ""))
            self._found.append((call_id, f"{type(error).__name__}: {error}", text))

    def explain(self, problems: Sequence[Problem], call_id: str) -> list[Problem]:
        """The problems of a call, each with the traceback of the error that it names."""
        return [self._explained(problem, call_id) for problem in problems]

    def _explained(self, problem: Problem, call_id: str) -> Problem:
        for of_call, error, text in self._found:
            if of_call == call_id and error in problem.text and not problem.lines:
                return Problem(problem.text, author_frames(text), problem.step)
        return problem
