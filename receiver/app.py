"""Composition: from settings to a running receiver."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette

from receiver.database import file_of
from receiver.database import make_database as make
from receiver.database import open_database as open_
from receiver.delivery.attempt import AttemptRunner
from receiver.delivery.traced import TracedAttemptRunner
from receiver.delivery.worker import DeliveryWorker, WorkerLimits
from receiver.errors import SettingsError
from receiver.intake.call_history import CallHistories
from receiver.intake.priority import PriorityGate
from receiver.intake.receive import Intake
from receiver.intake.reread import reread
from receiver.intake.responder import Responder
from receiver.intake.traced import TracedJournal, TracedResponder
from receiver.metrics import Metrics, is_shared
from receiver.monitoring import Watched, check_alarms, running_monitoring
from receiver.operations.placed_calls import PlacedCallRecorder
from receiver.operations.reconcile_task import NO_CALL_LOG, background_reconcile, call_logs
from receiver.operations.retention import run_retention
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.loading import load
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.placed import OnPlaced
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.settings import Settings, period_seconds, problems
from receiver.tracing.setup import require_tracing
from receiver.web.admission import Admission
from receiver.web.auth import access_policies
from receiver.web.callback_app import CallbackApp, check_paths
from receiver.web.gateway import CallbackGateway
from receiver.web.probe import ProbeReporter
from receiver.web.readiness import Readiness
from receiver.web.rejections import RejectionLog
from receiver.web.routes import build_site
from receiver.wire import BodyLimits
from storage import Appended, Database, GroupCommit, NewCallback, StoreUnavailableError, notifications, spool_files
from storage import probes as stored_probes
from storage import rejections as stored_rejections
from storage.errors import SchemaError
from storage.failover import FailoverStore
from storage.spool import Spool

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Components:
    """What the settings name, checked and loaded. Nothing is started yet."""

    settings: Settings
    providers: Mapping[str, Provider[Any]]
    registry: Registry


def load_components(settings: Settings) -> Components:
    """Providers and handlers as the settings have them. Raises SettingsError or HandlerError."""
    providers = make_providers(settings)
    registry = load(
        settings.handlers,
        providers,
        handler_settings=settings.handler_settings,
        defaults=handler_defaults(settings),
    )
    api_options(settings, providers)
    if settings.tracing:
        require_tracing()
    check_alarms(settings.alarms, providers)
    if settings.reconcile_every and not call_logs(providers):
        raise SettingsError(f"reconcile_every: no provider's call log can be read; {NO_CALL_LOG}")
    return Components(settings, providers, registry)


def handler_defaults(settings: Settings) -> HandlerDefaults:
    """What counts for handlers that do not say otherwise."""
    return HandlerDefaults(**{name: getattr(settings, name) for name in HandlerDefaults.__dataclass_fields__})


def make_providers(settings: Settings) -> dict[str, Provider[Any]]:
    """Every provider with its options. Raises SettingsError."""
    classes = discover()
    receiving = [name for name, provider_class in classes.items() if provider_class.endpoints]
    if unknown := settings.providers.keys() - set(receiving):
        there = "it sends no callbacks; write" if min(unknown) in classes else "there is no such provider; there are"
        what = f"[apis.{min(unknown)}]" if min(unknown) in classes else ", ".join(receiving)
        raise SettingsError(f"providers.{min(unknown)}: {there} {what}")
    providers = {}
    for name, provider_class in classes.items():
        try:
            options = provider_class.options_type.model_validate(_options_given(settings, provider_class))
        except ValidationError as error:
            raise SettingsError(problems(error, f"providers.{name}")) from error
        providers[name] = provider_class(options, body_limits(settings))
    check_paths(providers)
    return providers


def _options_given(settings: Settings, provider: type[Provider[Any]]) -> Mapping[str, Any]:
    """The options of a provider; one that sends no callbacks has those of its API alone. Raises SettingsError."""
    if provider.endpoints:
        return settings.providers.get(provider.name, {})
    if provider.name not in settings.apis:
        return {}
    from receiver.providers.base.api.discovery import discover_apis, make_options  # loaded where they are used

    given = settings.apis[provider.name]
    return {"api": make_options(discover_apis()[provider.name], given, f"apis.{provider.name}")}


def api_options(settings: Settings, providers: Mapping[str, Provider[Any]]) -> dict[str, ApiOptions]:
    """How to call the providers' APIs, by provider: those that the settings name. Raises SettingsError."""
    found = {name: provider.options.api for name, provider in providers.items() if provider.options.api is not None}
    if not settings.apis:
        return found
    from receiver.providers.base.api.discovery import discover_apis, make_options  # loaded where they are used

    apis = {name: api for name, api in discover_apis().items() if not api.has_callbacks}
    if unknown := settings.apis.keys() - apis.keys():
        place = f"write it to providers.{min(unknown)}.api" if min(unknown) in providers else "there is no such API"
        raise SettingsError(f"apis.{min(unknown)}: {place}; here there are {', '.join(apis)}")
    others = {name: given for name, given in settings.apis.items() if name not in found}
    return found | {name: make_options(apis[name], given, f"apis.{name}") for name, given in others.items()}


def body_limits(settings: Settings) -> BodyLimits:
    """The limits on the content of a body."""
    return BodyLimits(
        depth=settings.max_depth,
        elements=settings.max_elements,
        text_chars=settings.max_text_chars,
        form_fields=settings.max_form_fields,
    )


def make_database(settings: Settings) -> Database:
    """The journal's database, not opened yet. Raises SettingsError."""
    return make(settings.database_url.get_secret_value(), auto_migrate=settings.auto_migrate)


def open_database(settings: Settings) -> Database:
    """The journal's database, its tables up to date. Raises SettingsError or StoreUnavailableError."""
    return open_(settings.database_url.get_secret_value(), auto_migrate=settings.auto_migrate)


def open_for_receiving(settings: Settings, spool: Spool | None) -> Database:
    """As `open_database`; but with a spool the receiver also starts while its database is unreachable."""
    database = make_database(settings)
    try:
        database.migrate()
    except StoreUnavailableError as error:
        if spool is None or isinstance(error, SchemaError):
            database.close()
            raise
        logger.error("%s; the receiver starts with its spool %s", error, spool.path)
    return database


def open_spool(settings: Settings) -> Spool | None:
    """The local spool, if the journal is on another machine; on SQLite it would be one more file on the same disk.

    Raises SettingsError or StoreUnavailableError.
    """
    if is_sqlite(settings):
        return None
    return spool_files.open_own(Path(settings.spool))


def is_sqlite(settings: Settings) -> bool:
    """Whether the journal is a file on this machine. Raises SettingsError."""
    return file_of(settings.database_url.get_secret_value()) is not None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What handlers reach outside the receiver; tests of handlers replace it."""

    transport: httpx.AsyncBaseTransport | None = None
    """Answers the requests of `ctx.http`; None is the network."""
    retries_at_once: bool = False
    """Whether failed deliveries are retried without back-off."""


REAL = Surroundings()


@asynccontextmanager
async def running_worker(
    components: Components,
    database: Database,
    metrics: Metrics,
    surroundings: Surroundings = REAL,
    tracing: "Tracing | None" = None,
) -> AsyncIterator[DeliveryWorker]:
    """Deliveries run inside the block; when it ends they are finished or released, within `shutdown_seconds`."""
    settings, registry = components.settings, components.registry
    runner = Runner(settings.handler_concurrency, "deliver", keeps_context=tracing is not None)
    make_attempts = AttemptRunner if tracing is None else partial(TracedAttemptRunner, tracing)
    histories = CallHistories(database.read, registry)
    async with (
        _http_client(registry, lambda usual: usual.handler_timeout, surroundings) as http,
        PlacedCallRecorder(database) as placed,
        ApiClients(api_options(settings, components.providers), surroundings.transport, placed.note) as apis,
    ):
        worker = DeliveryWorker(
            database,
            registry,
            make_attempts(
                registry,
                runner,
                http=http,
                apis=apis,
                reread=reread,
                load_history=histories.load,
                retries_at_once=surroundings.retries_at_once,
            ),
            limits=WorkerLimits(
                concurrency=settings.handler_concurrency,
                total=settings.delivery_concurrency,
                lease=settings.lease_seconds,
                shutdown=settings.shutdown_seconds,
            ),
            metrics=metrics,
        )
        worker.start()
        listening = notifications.listen(database, worker.wake, url=settings.listen_url.get_secret_value())
        background = [
            asyncio.create_task(listening, name="listen"),
            asyncio.create_task(run_retention(database, settings.keep_days, settings.keep_bodies_days), name="retain"),
        ]
        if seconds := period_seconds(settings.reconcile_every):
            reconcile = background_reconcile(
                database,
                components.providers,
                registry,
                apis,
                every=seconds,
                keep_days=settings.keep_days,
                metrics=metrics,
                on_fetched=worker.wake,
            )
            background.append(asyncio.create_task(reconcile.run(), name="reconcile"))
        try:
            yield worker
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await worker.stop()
            runner.close()


@asynccontextmanager
async def open_responder(
    components: Components,
    histories: CallHistories,
    surroundings: Surroundings = REAL,
    on_placed: OnPlaced | None = None,
    tracing: "Tracing | None" = None,
) -> AsyncIterator[Responder]:
    """Handlers answer questions inside the block; the calls that they place are reported to `on_placed`."""
    registry = components.registry
    runner = Runner(components.settings.answer_threads, "answer", keeps_context=tracing is not None)
    make_responder = Responder if tracing is None else partial(TracedResponder, tracing)
    async with (
        _http_client(registry, lambda usual: usual.deadline, surroundings) as http,
        ApiClients(api_options(components.settings, components.providers), surroundings.transport, on_placed) as apis,
    ):
        yield make_responder(registry, runner, http=http, apis=apis, load_history=histories.load)
        runner.close()


def _http_client(
    registry: Registry, seconds: Callable[[HandlerDefaults], float], surroundings: Surroundings
) -> httpx.AsyncClient:
    """A client for handlers, whose time limit follows the settings."""
    client = httpx.AsyncClient(timeout=seconds(registry.defaults), transport=surroundings.transport)

    def follow_registry() -> None:
        client.timeout = seconds(registry.defaults)

    registry.on_replace(follow_registry)
    return client


def build_app(
    components: Components,
    database: Database,
    *,
    spool: Spool | None = None,
    deliver: bool = True,
    surroundings: Surroundings = REAL,
    tracing: "Tracing | None" = None,
) -> CallbackApp:
    """The ASGI app. Its lifespan starts and stops all that runs in the background, and closes database and spool.

    Without `deliver` it only receives; another process must run the deliveries. `tracing` makes spans of its work.
    """
    metrics = Metrics()
    gateway = make_gateway(components, tracing)
    readiness = Readiness(gateway.address_of, components.settings.status_from)
    metrics.watch("receiver_requests_waiting", "Requests that wait for a reply", lambda: gateway.admission.requests)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        receiving = _running_intake(
            components, database, spool, metrics, surroundings, readiness, tracing, deliver=deliver
        )
        watching = running_monitoring(Watched(components.settings, components.providers, database, spool), metrics)
        async with (
            receiving as intake,
            _running_rejection_log(database, metrics) as rejections,
            watching,
            _refreshed(metrics),
        ):
            gateway.open(intake, rejections, _probe_reporter(database))
            yield

    site = build_site(
        readiness=readiness,
        metrics=metrics if components.settings.metrics else None,
        lifespan=lifespan,
    )
    return CallbackApp(components.providers, gateway, site, readiness)


@asynccontextmanager
async def _running_intake(
    components: Components,
    database: Database,
    spool: Spool | None,
    metrics: Metrics,
    surroundings: Surroundings,
    readiness: Readiness,
    tracing: "Tracing | None",
    *,
    deliver: bool,
) -> AsyncIterator[Intake]:
    """Callbacks are received inside the block; when it ends, database and spool are closed."""
    async with AsyncExitStack() as stack:
        stack.callback(database.close)
        if spool is not None:
            stack.callback(spool.close)
        worker = None
        if deliver:
            working = running_worker(components, database, metrics, surroundings, tracing)
            worker = await stack.enter_async_context(working)
        failover = FailoverStore(
            database,
            spool,
            moved=worker.wake if worker else _no_worker,
            left_behind=_left_behind(components.settings, spool),
        )
        failover.start()
        stack.push_async_callback(failover.stop)
        readiness.open(failover.state)
        priority = PriorityGate()
        journal = _start_journal(components.settings, failover, priority, tracing)
        stack.push_async_callback(journal.close)
        histories = CallHistories(database.read, components.registry)
        placed = await stack.enter_async_context(PlacedCallRecorder(database))
        answering = open_responder(components, histories, surroundings, placed.note, tracing)
        responder = await stack.enter_async_context(answering)
        metrics.watch("receiver_journal_waiting", "Writes that wait for a commit", lambda: journal.waiting)
        metrics.watch("receiver_spooled", "Callbacks in the local spool", lambda: failover.spooled)
        starter = worker.fast_start if worker else None
        yield Intake(
            components.registry,
            journal,
            responder,
            metrics=metrics,
            starter=starter,
            priority=priority,
            uncommitted=histories.uncommitted,
            tracing=tracing,
        )


def _start_journal(
    settings: Settings, failover: FailoverStore, priority: PriorityGate, tracing: "Tracing | None"
) -> GroupCommit[NewCallback, Appended]:
    make_journal = GroupCommit[NewCallback, Appended] if tracing is None else partial(TracedJournal, tracing)
    journal = make_journal(
        failover.store,
        capacity=settings.journal_capacity,
        batch=settings.journal_batch,
        results_per_iteration=priority.reply_batch_size,
    )
    journal.start()
    return journal


@asynccontextmanager
async def _refreshed(metrics: Metrics) -> AsyncIterator[None]:
    """The gauges of this process are up to date for scrapes that reach another one."""

    async def refresh_forever() -> None:
        while is_shared():
            metrics.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    refreshing = asyncio.create_task(refresh_forever(), name="refresh-metrics")
    try:
        yield
    finally:
        refreshing.cancel()
        await asyncio.gather(refreshing, return_exceptions=True)


@asynccontextmanager
async def _running_rejection_log(database: Database, metrics: Metrics) -> AsyncIterator[RejectionLog]:
    rejections = RejectionLog(lambda new: database.write(partial(stored_rejections.add, new=new)), metrics)
    rejections.start()
    try:
        yield rejections
    finally:
        await rejections.stop()


def _probe_reporter(database: Database) -> ProbeReporter:
    return ProbeReporter(lambda token, seen: database.write(partial(stored_probes.record, token=token, seen=seen)))


def make_gateway(components: Components, tracing: "Tracing | None" = None) -> CallbackGateway:
    """The gateway with the limits from the settings, not open yet."""
    settings = components.settings
    return CallbackGateway(
        access_policies(settings, components.providers),
        Admission(
            max_requests=settings.max_requests,
            max_pending_bytes=settings.max_pending_bytes,
            max_rate_per_address=settings.max_rate_per_address,
        ),
        max_body_bytes=settings.max_body_bytes,
        max_transcript_bytes=settings.max_transcript_bytes,
        proxies=settings.trusted_proxies,
        forwarded_header=settings.forwarded_header,
        public_url=settings.public_url,
        tracing=tracing,
    )


def _left_behind(settings: Settings, own: Spool | None) -> Callable[[], Iterable[Spool]]:
    """The spools of processes that have ended; none where this process has no spool."""
    return tuple if own is None else partial(spool_files.left_behind, Path(settings.spool), own.path)


def _no_worker() -> None:
    """No worker runs in this process; PostgreSQL notifies those of the others."""
