"""Composition: from settings to a running receiver."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette

from receiver.components import Components, api_options
from receiver.delivery.attempt import AttemptRunner
from receiver.delivery.traced import TracedAttemptRunner
from receiver.delivery.worker import DeliveryWorker, WorkerLimits
from receiver.intake.call_history import CallHistories
from receiver.intake.priority import PriorityGate
from receiver.intake.receive import Intake
from receiver.intake.reread import reread
from receiver.intake.responder import Responder
from receiver.intake.traced import TracedJournal, TracedResponder
from receiver.metrics import Metrics, is_shared
from receiver.monitoring import Watched, running_monitoring
from receiver.operations.placed_calls import PlacedCallRecorder
from receiver.operations.reconcile_task import background_reconcile
from receiver.operations.retention import run_retention
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.registry import Registry
from receiver.plugins.runner import Runner
from receiver.providers.base.api.clients import ApiClients
from receiver.providers.base.api.placed import OnPlaced
from receiver.settings import Settings, period_seconds
from receiver.web.admission import Admission
from receiver.web.auth import access_policies
from receiver.web.callback_app import CallbackApp
from receiver.web.gateway import CallbackGateway
from receiver.web.probe import ProbeReporter
from receiver.web.readiness import Readiness
from receiver.web.rejections import RejectionLog
from receiver.web.routes import build_site
from storage import Appended, Database, GroupCommit, NewCallback, notifications, spool_files
from storage import probes as stored_probes
from storage import rejections as stored_rejections
from storage.failover import FailoverStore
from storage.spool import Spool

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 5.0


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
