"""Filters that were given as options, checked: a value that can never match is an error, with those that can."""

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from receiver.app import load_components
from receiver.cli.times import local_time
from receiver.errors import ReceiverError, SettingsError
from receiver.providers.base.discovery import discover
from receiver.settings import Settings
from storage import State, journal, queue_admin
from storage.queue_admin import DeliveryFilter
from storage.values import Filter


def callback_filter(
    connection: Connection,
    *,
    provider: str = "",
    kind: str = "",
    call_id: str = "",
    outcome: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Filter:
    """The callbacks that these options mean. Raises SettingsError where one of them can never match."""
    _check_provider(connection, provider)
    _check_kind(connection, provider, kind)
    if since and until and since >= until:
        raise SettingsError("--since: it must be earlier than --until, or no callback can match")
    return Filter(provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until)


def delivery_filter(
    connection: Connection,
    settings: Settings,
    callbacks: Filter,
    *,
    ids: Sequence[int] = (),
    states: Sequence[State] = (),
    handler: str = "",
) -> DeliveryFilter:
    """The deliveries that these options mean. Raises SettingsError where one of them can never match."""
    if handler and not queue_admin.find(connection, DeliveryFilter(handler=handler), 1):
        known = {*_loaded_listeners(settings), *queue_admin.handler_names(connection)}
        if handler not in known:
            raise SettingsError(f"--handler: no delivery and no handler is named {handler!r}; {_there_are(known)}")
    return DeliveryFilter(ids=ids, states=states, handler=handler, callbacks=callbacks)


def described(wanted: Filter) -> str:
    """The filters that are set, as options: --kind CDR --call-id abc."""
    values = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
    texts = {name: local_time(value) if isinstance(value, datetime) else str(value) for name, value in values.items()}
    return " ".join(f"--{name.replace('_', '-')} {shlex.quote(texts[name])}" for name in values if values[name])


def described_deliveries(wanted: DeliveryFilter) -> str:
    """The same for deliveries: --state dead --handler crm --kind CDR."""
    parts = [*map(str, wanted.ids), *(f"--state {state}" for state in wanted.states)]
    if wanted.handler:
        parts.append(f"--handler {shlex.quote(wanted.handler)}")
    return " ".join(filter(None, [*parts, described(wanted.callbacks)]))


def _check_provider(connection: Connection, provider: str) -> None:
    known = discover()
    if provider and provider.lower() not in known and not _is_stored(connection, Filter(provider=provider)):
        raise SettingsError(f"--provider: there is no provider {provider!r}; {_there_are(known)}")


def _check_kind(connection: Connection, provider: str, kind: str) -> None:
    known = [one.name for name, owner in discover().items() if provider.lower() in {"", name} for one in owner.kinds]
    if kind and kind.upper() not in known and not _is_stored(connection, Filter(provider=provider, kind=kind)):
        whose = f"{provider} has" if provider else "there is"
        raise SettingsError(f"--kind: {whose} no kind {kind!r}; {_there_are(known)}")


def _is_stored(connection: Connection, wanted: Filter) -> bool:
    """Whether the journal has such a callback: of a provider that was uninstalled, or under an earlier name."""
    return bool(journal.find(connection, wanted, 1))


def _loaded_listeners(settings: Settings) -> tuple[str, ...]:
    """The handlers that deliveries can go to; none where a module does not load, which `receiver check` explains."""
    try:
        return load_components(settings).registry.listener_names
    except ReceiverError:
        return ()


def _there_are(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"there is {names[0]}" if len(names) == 1 else f"there are {', '.join(names)}" if names else "there is none"
