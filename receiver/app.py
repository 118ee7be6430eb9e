"""Composition: from settings to a running receiver."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette

from receiver.delivery.attempt import AttemptRunner
from receiver.delivery.worker import DeliveryWorker, WorkerLimits
from receiver.errors import SettingsError
from receiver.intake.call_history import CallHistories
from receiver.intake.priority import PriorityGate
from receiver.intake.receive import Intake
from receiver.intake.reread import reread
from receiver.intake.responder import Responder
from receiver.metrics import Metrics
from receiver.monitoring import Watched, check_alarms, running_monitoring
from receiver.operations.reconcile import Reconciler
from receiver.operations.reconcile_task import BackgroundReconcile, call_logs, make_reconcilers
from receiver.operations.retention import run_retention
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.loading import load
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.settings import Settings, period_seconds, problems
from receiver.web.admission import Admission
from receiver.web.auth import access_policies
from receiver.web.callback_app import CallbackApp, check_paths
from receiver.web.gateway import CallbackGateway
from receiver.web.probe import ProbeReporter
from receiver.web.rejections import RejectionLog
from receiver.web.routes import build_site
from receiver.wire import BodyLimits
from storage import Appended, Database, GroupCommit, NewCallback, StoreUnavailableError, notifications
from storage import probes as stored_probes
from storage import rejections as stored_rejections
from storage.database import parse_url
from storage.errors import DatabaseUrlError
from storage.failover import FailoverStore
from storage.spool import Spool

logger = logging.getLogger(__name__)


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
    check_alarms(settings.alarms, providers)
    if settings.reconcile_every and not call_logs(providers):
        raise SettingsError("reconcile_every: no provider's call log can be read; write [providers.voicenter.api]")
    return Components(settings, providers, registry)


def handler_defaults(settings: Settings) -> HandlerDefaults:
    """What counts for handlers that do not say otherwise."""
    return HandlerDefaults(**{name: getattr(settings, name) for name in HandlerDefaults.__dataclass_fields__})


def make_providers(settings: Settings) -> dict[str, Provider[Any]]:
    """Every provider with its options. Raises SettingsError."""
    classes = discover()
    if unknown := settings.providers.keys() - classes.keys():
        raise SettingsError(f"providers.{min(unknown)}: there is no such provider; there are {', '.join(classes)}")
    providers = {}
    for name, provider_class in classes.items():
        try:
            options = provider_class.options_type.model_validate(settings.providers.get(name, {}))
        except ValidationError as error:
            raise SettingsError(problems(error, f"providers.{name}")) from error
        providers[name] = provider_class(options, body_limits(settings))
    check_paths(providers)
    return providers


def api_options(settings: Settings, providers: Mapping[str, Provider[Any]]) -> dict[str, ApiOptions]:
    """How to call the providers' APIs, by provider: those that the settings name. Raises SettingsError."""
    found = {name: provider.options.api for name, provider in providers.items() if provider.options.api is not None}
    if not settings.apis:
        return found
    from receiver.providers.base.api.discovery import discover_apis, make_options  # loaded where they are used

    apis = {name: api for name, api in discover_apis().items() if name not in providers}
    if unknown := settings.apis.keys() - apis.keys():
        place = f"write it to providers.{min(unknown)}.api" if min(unknown) in providers else "there is no such API"
        raise SettingsError(f"apis.{min(unknown)}: {place}; here there are {', '.join(apis)}")
    return found | {name: make_options(apis[name], given, f"apis.{name}") for name, given in settings.apis.items()}


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
    try:
        return Database(settings.database_url.get_secret_value())
    except DatabaseUrlError as error:
        raise SettingsError(f"database_url: {error}") from error


def open_database(settings: Settings) -> Database:
    """The journal's database, its tables up to date. Raises SettingsError or StoreUnavailableError."""
    database = make_database(settings)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def open_for_receiving(settings: Settings, spool: Spool | None) -> Database:
    """As `open_database`; but with a spool the receiver also starts while its database is unreachable."""
    database = make_database(settings)
    try:
        database.migrate()
    except StoreUnavailableError as error:
        if spool is None:
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
    spool = Spool(Path(settings.spool))
    spool.open()
    return spool


def is_sqlite(settings: Settings) -> bool:
    """Whether the journal is a file on this machine. Raises SettingsError."""
    try:
        return parse_url(settings.database_url.get_secret_value()).get_backend_name() == "sqlite"
    except DatabaseUrlError as error:
        raise SettingsError(f"database_url: {error}") from error


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
    components: Components, database: Database, metrics: Metrics, surroundings: Surroundings = REAL
) -> AsyncIterator[DeliveryWorker]:
    """Deliveries run inside the block; when it ends they are finished or released, within `shutdown_seconds`."""
    settings, registry = components.settings, components.registry
    runner = Runner(settings.handler_concurrency, "deliver")
    histories = CallHistories(database.read, registry)
    async with (
        _http_client(registry, lambda usual: usual.handler_timeout, surroundings) as http,
        ApiClients(api_options(settings, components.providers), surroundings.transport) as apis,
    ):
        worker = DeliveryWorker(
            database,
            registry,
            AttemptRunner(
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
        background = [
            asyncio.create_task(notifications.listen(database, worker.wake), name="listen"),
            asyncio.create_task(run_retention(database, settings.keep_days, settings.keep_bodies_days), name="retain"),
        ]
        if seconds := period_seconds(settings.reconcile_every):
            reconcile = _background_reconcile(components, database, apis, metrics, worker, every=seconds)
            background.append(asyncio.create_task(reconcile.run(), name="reconcile"))
        try:
            yield worker
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await worker.stop()
            runner.close()


def _background_reconcile(
    components: Components,
    database: Database,
    apis: ApiClients,
    metrics: Metrics,
    worker: DeliveryWorker,
    *,
    every: int,
) -> BackgroundReconcile:
    def make(on_step: Callable[[], Awaitable[None]]) -> list[Reconciler]:
        providers, registry = components.providers, components.registry
        return make_reconcilers(database, providers, apis, registry=registry, on_step=on_step)

    keep_days = components.settings.keep_days
    return BackgroundReconcile(
        database, make, every=every, keep_days=keep_days, metrics=metrics, on_fetched=worker.wake
    )


@asynccontextmanager
async def open_responder(
    components: Components, histories: CallHistories, surroundings: Surroundings = REAL
) -> AsyncIterator[Responder]:
    """Handlers answer questions inside the block."""
    registry = components.registry
    runner = Runner(components.settings.answer_threads, "answer")
    async with (
        _http_client(registry, lambda usual: usual.deadline, surroundings) as http,
        ApiClients(api_options(components.settings, components.providers), surroundings.transport) as apis,
    ):
        yield Responder(registry, runner, http=http, apis=apis, load_history=histories.load)
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
) -> CallbackApp:
    """The ASGI app. Its lifespan starts and stops all that runs in the background, and closes database and spool.

    Without `deliver` it only receives; another process must run the deliveries.
    """
    metrics = Metrics()
    gateway = make_gateway(components)
    metrics.watch("receiver_requests_waiting", "Requests that wait for a reply", lambda: gateway.admission.requests)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        receiving = _running_intake(components, database, spool, metrics, surroundings, deliver=deliver)
        watching = running_monitoring(Watched(components.settings, components.providers, database, spool), metrics)
        async with receiving as intake, _running_rejection_log(database, metrics) as rejections, watching:
            gateway.open(intake, rejections, _probe_reporter(database))
            yield

    site = build_site(metrics=metrics if components.settings.metrics else None, lifespan=lifespan)
    return CallbackApp(components.providers, gateway, site)


@asynccontextmanager
async def _running_intake(
    components: Components,
    database: Database,
    spool: Spool | None,
    metrics: Metrics,
    surroundings: Surroundings,
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
            working = running_worker(components, database, metrics, surroundings)
            worker = await stack.enter_async_context(working)
        failover = FailoverStore(database, spool, moved=worker.wake if worker else _no_worker)
        failover.start()
        stack.push_async_callback(failover.stop)
        priority = PriorityGate()
        journal = _start_journal(components.settings, failover, priority)
        stack.push_async_callback(journal.close)
        histories = CallHistories(database.read, components.registry)
        responder = await stack.enter_async_context(open_responder(components, histories, surroundings))
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
        )


def _start_journal(
    settings: Settings, failover: FailoverStore, priority: PriorityGate
) -> GroupCommit[NewCallback, Appended]:
    journal: GroupCommit[NewCallback, Appended] = GroupCommit(
        failover.store,
        capacity=settings.journal_capacity,
        batch=settings.journal_batch,
        results_per_iteration=priority.reply_batch_size,
    )
    journal.start()
    return journal


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


def make_gateway(components: Components) -> CallbackGateway:
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
    )


def _no_worker() -> None:
    """No worker runs in this process; PostgreSQL notifies those of the others."""
