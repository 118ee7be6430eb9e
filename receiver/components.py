"""What the settings name, checked and made: providers, handlers, the journal, the spool. Nothing runs yet."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from receiver.database import file_of
from receiver.database import make_database as make
from receiver.database import open_database as open_
from receiver.errors import SettingsError
from receiver.monitoring import check_alarms
from receiver.operations.reconcile_task import NO_CALL_LOG, call_logs
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.loading import load
from receiver.plugins.registry import Registry
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.settings import Settings, problems
from receiver.tracing.setup import require_tracing
from receiver.web.callback_app import check_paths
from receiver.wire import BodyLimits
from storage import Database, StoreUnavailableError, spool_files
from storage.errors import SchemaError
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
