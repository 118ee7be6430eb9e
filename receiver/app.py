"""Where all parts meet: from settings to a running receiver."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette

from receiver.answering import Answering
from receiver.attempting import Attempting
from receiver.delivery import Deliverer
from receiver.delivery import Limits as DeliveryLimits
from receiver.errors import SettingsError
from receiver.intake import Intake
from receiver.metrics import Metrics
from receiver.plugins.loading import Registry, load
from receiver.plugins.running import Runner
from receiver.providers.contract import Provider, discover
from receiver.settings import Settings, problems
from receiver.turns import Turns
from receiver.upkeep import keep_tidy
from receiver.web import routes
from receiver.web.admission import Admission
from receiver.web.refusals import Refusals
from receiver.web.routes import Front
from receiver.web.sightings import Sightings
from receiver.web.trust import Trust
from receiver.wire import Limits
from storage import Appended, Database, GroupCommit, NewCallback, StoreUnavailableError, checks, wake
from storage import refusals as stored_refusals
from storage.database import parse_url
from storage.errors import DatabaseUrlError
from storage.retry import RetryPolicy
from storage.safekeeping import Safekeeping
from storage.spool import Spool

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the settings name, checked and loaded, before anything is started."""

    settings: Settings
    providers: Mapping[str, Provider[Any]]
    registry: Registry


def load_parts(settings: Settings) -> Parts:
    """Providers and handlers as the settings have them. Raises SettingsError or HandlerError."""
    providers = make_providers(settings)
    registry = load(settings.handlers, providers)
    _check_required(settings, registry)
    return Parts(settings, providers, registry)


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
        providers[name] = provider_class(options, wire_limits(settings))
    _check_paths(providers)
    return providers


def wire_limits(settings: Settings) -> Limits:
    """How large what a body holds may be."""
    return Limits(
        depth=settings.max_depth,
        elements=settings.max_elements,
        text_chars=settings.max_text_chars,
        form_fields=settings.max_form_fields,
    )


def _check_paths(providers: Mapping[str, Provider[Any]]) -> None:
    taken = {"/health": "the receiver's own", "/metrics": "the receiver's own"}
    for name, provider in providers.items():
        for endpoint in provider.endpoints:
            path = routes.url_path(provider, endpoint)
            if path in taken:
                raise SettingsError(f"providers.{name}.path: {path} is {taken[path]} path already; write another one")
            taken[path] = f"{name}'s"


def _check_required(settings: Settings, registry: Registry) -> None:
    for handler in registry:
        given = settings.handler_settings.get(handler.module, {})
        for name in handler.requires:
            if given.get(name) in {None, ""}:
                raise SettingsError(
                    f"handler_settings.{handler.module}.{name} is missing: {handler.name} needs it. Write it to "
                    f"receiver.toml below [handler_settings.{handler.module}]"
                )


def trust_of(settings: Settings, providers: Mapping[str, Provider[Any]]) -> dict[str, Trust]:
    """What each provider must show: its own settings, and the receiver's where it has none."""
    return {
        name: Trust(
            secrets=_revealed(settings.secrets if provider.options.secrets is None else provider.options.secrets),
            passwords=_revealed(
                settings.passwords if provider.options.passwords is None else provider.options.passwords
            ),
            networks=tuple(settings.allow_from if provider.options.allow_from is None else provider.options.allow_from),
        )
        for name, provider in providers.items()
    }


def _revealed(secrets: Sequence[SecretStr]) -> tuple[bytes, ...]:
    return tuple(secret.get_secret_value().encode() for secret in secrets)


def check_openness(settings: Settings, trust: Mapping[str, Trust]) -> None:
    """Refuse to listen to the whole world without asking for anything. Raises SettingsError."""
    if settings.allow_anyone or all(trust.values()) or _is_loopback(settings.host):
        return
    anyone = ", ".join(name for name, asked in trust.items() if not asked)
    raise SettingsError(
        f"host = {settings.host!r} can be reached by strangers, and {anyone} asks for nothing: set `secrets`, "
        "`passwords` or `allow_from`, or write `allow_anyone = true` if that is what you want"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    """As `open_database`; but with a spool the receiver starts while its database is away."""
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


def retry_policy(settings: Settings) -> RetryPolicy:
    """How failed deliveries are tried again."""
    return RetryPolicy(settings.attempts, settings.retry_first_pause, ceiling=settings.retry_longest_pause)


@asynccontextmanager
async def working(parts: Parts, database: Database, metrics: Metrics) -> AsyncIterator[Deliverer]:
    """Deliveries run inside the block; when it ends they are finished or released, within `shutdown_seconds`."""
    settings = parts.settings
    runner = Runner(settings.handler_concurrency, "deliver")
    async with httpx.AsyncClient(timeout=settings.handler_timeout) as http:
        deliverer = Deliverer(
            database,
            parts.registry,
            Attempting(
                parts.providers,
                runner,
                http=http,
                handler_settings=settings.handler_settings,
                policy=retry_policy(settings),
                timeout=settings.handler_timeout,
            ),
            limits=DeliveryLimits(
                concurrency=settings.handler_concurrency,
                total=settings.delivery_concurrency,
                lease=settings.lease_seconds,
                shutdown=settings.shutdown_seconds,
            ),
            metrics=metrics,
        )
        deliverer.start()
        beside = [
            asyncio.create_task(wake.listen(database, deliverer.wake), name="listen"),
            asyncio.create_task(keep_tidy(database, settings.keep_days, settings.keep_bodies_days), name="prune"),
        ]
        try:
            yield deliverer
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await deliverer.stop()
            runner.close()


@asynccontextmanager
async def answering_questions(parts: Parts) -> AsyncIterator[Answering]:
    """Handlers answer questions inside the block."""
    settings = parts.settings
    runner = Runner(settings.answer_threads, "answer")
    async with httpx.AsyncClient(timeout=settings.deadline) as http:
        yield Answering(
            parts.registry,
            runner,
            deadline=settings.deadline,
            http=http,
            handler_settings=settings.handler_settings,
        )
        runner.close()


def build_app(parts: Parts, database: Database, *, spool: Spool | None = None, deliver: bool = True) -> Front:
    """The ASGI app. Its lifespan starts and stops all that runs beside it, and closes database and spool.

    Without `deliver` it only receives; another process must run the deliveries.
    """
    settings = parts.settings
    metrics = Metrics()
    door = routes.Door(
        trust_of(settings, parts.providers),
        Admission(
            max_requests=settings.max_requests,
            max_pending_bytes=settings.max_pending_bytes,
            max_rate_per_address=settings.max_rate_per_address,
        ),
        max_body_bytes=settings.max_body_bytes,
        max_transcript_bytes=settings.max_transcript_bytes,
        proxies=settings.trusted_proxies,
        forwarded_header=settings.forwarded_header,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(database.close)
            if spool is not None:
                stack.callback(spool.close)
            deliverer = await stack.enter_async_context(working(parts, database, metrics)) if deliver else None
            safekeeping = Safekeeping(database, spool, moved=deliverer.wake if deliverer else _nothing)
            safekeeping.start()
            stack.push_async_callback(safekeeping.stop)
            turns = Turns()
            journal: GroupCommit[NewCallback, Appended] = GroupCommit(
                safekeeping.store,
                capacity=settings.journal_capacity,
                batch=settings.journal_batch,
                told_at_once=turns.replies_at_once,
            )
            journal.start()
            stack.push_async_callback(journal.close)
            answering = await stack.enter_async_context(answering_questions(parts))
            metrics.watch("receiver_journal_waiting", "Writes that wait for a commit", lambda: journal.waiting)
            metrics.watch(
                "receiver_requests_waiting", "Requests that wait for a reply", lambda: door.admission.requests
            )
            metrics.watch("receiver_spooled", "Callbacks in the local spool", lambda: safekeeping.spooled)
            refusals = Refusals(lambda new: database.write(partial(stored_refusals.add, new=new)), metrics)
            refusals.start()
            stack.push_async_callback(refusals.stop)
            sightings = Sightings(lambda token, seen: database.write(partial(checks.answer, token=token, seen=seen)))
            intake = Intake(parts.registry, journal, answering, metrics=metrics, starter=deliverer, turns=turns)
            door.open(intake, refusals, sightings)
            yield

    return routes.build(parts.providers, door, metrics=metrics if settings.metrics else None, lifespan=lifespan)


def _nothing() -> None:
    """Nobody here delivers; PostgreSQL tells those who do."""
