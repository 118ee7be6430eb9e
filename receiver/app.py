"""Where all parts meet: from settings to a running receiver."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette

from receiver.delivery import Deliverer, Limits
from receiver.errors import SettingsError
from receiver.intake import Intake
from receiver.plugins.loading import Registry, load
from receiver.plugins.running import Runner
from receiver.providers.contract import Provider, discover
from receiver.settings import Settings, problems
from receiver.web import routes
from storage import Appended, Database, GroupCommit, NewCallback, journal
from storage.errors import DatabaseUrlError
from storage.retry import RetryPolicy


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
        providers[name] = provider_class(options)
    return providers


def _check_required(settings: Settings, registry: Registry) -> None:
    for handler in registry:
        given = settings.handler_settings.get(handler.module, {})
        for name in handler.requires:
            if given.get(name) in {None, ""}:
                raise SettingsError(
                    f"handler_settings.{handler.module}.{name} is missing: {handler.name} needs it. Write it to "
                    f"receiver.toml below [handler_settings.{handler.module}]"
                )


def open_database(settings: Settings) -> Database:
    """The journal's database, its tables up to date. Raises SettingsError or StoreUnavailableError."""
    try:
        database = Database(settings.database_url.get_secret_value())
    except DatabaseUrlError as error:
        raise SettingsError(f"database_url: {error}") from error
    database.migrate()
    return database


def build_app(parts: Parts, database: Database) -> Starlette:
    """The ASGI app; its lifespan starts and stops all that runs beside it, and closes the database."""
    settings = parts.settings
    http = httpx.AsyncClient(timeout=settings.handler_timeout)
    runner = Runner(settings.answer_threads, "answer")
    listener_runner = Runner(settings.handler_concurrency, "deliver")
    pending: GroupCommit[NewCallback, Appended] = GroupCommit(
        database, journal.append, capacity=settings.journal_capacity, batch=settings.journal_batch
    )
    deliverer = Deliverer(
        database,
        parts.registry,
        parts.providers,
        runner=listener_runner,
        http=http,
        handler_settings=settings.handler_settings,
        policy=RetryPolicy(settings.attempts, settings.retry_first_pause, ceiling=settings.retry_longest_pause),
        limits=Limits(
            timeout=settings.handler_timeout,
            concurrency=settings.handler_concurrency,
            total=settings.delivery_concurrency,
            lease=settings.lease_seconds,
            shutdown=settings.shutdown_seconds,
        ),
    )
    intake = Intake(
        parts.registry,
        pending,
        runner,
        deadline=settings.deadline,
        http=http,
        handler_settings=settings.handler_settings,
        delivered=deliverer.wake,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        pending.start()
        deliverer.start()
        try:
            yield
        finally:
            await pending.close()
            await deliverer.stop()
            for one in (runner, listener_runner):
                one.close()
            await http.aclose()
            database.close()

    return routes.build(parts.providers, intake, max_body_bytes=settings.max_body_bytes, lifespan=lifespan)
