"""Filters that were given as options, checked: a value that can never match is an error, with those that can."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from receiver.cli.times import local_time
from receiver.errors import ReceiverError, SettingsError
from storage import State, journal, queue_admin
from storage.queue_admin import DeliveryFilter
from storage.values import Filter

if TYPE_CHECKING:
    from receiver.providers.base.contract import Provider


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
    callbacks: Filter,
    *,
    ids: Sequence[int] = (),
    states: Sequence[State] = (),
    handler: str = "",
) -> DeliveryFilter:
    """The deliveries that these options mean. Raises SettingsError where one of them can never match."""
    if handler and not queue_admin.find(connection, DeliveryFilter(handler=handler), 1):
        known = {*_loaded_listeners(), *queue_admin.handler_names(connection)}
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
    if not provider or _is_stored(connection, Filter(provider=provider)):
        return
    known = _providers()
    if provider.lower() not in known:
        raise SettingsError(f"--provider: there is no provider {provider!r}; {_there_are(known)}")


def _check_kind(connection: Connection, provider: str, kind: str) -> None:
    if not kind or _is_stored(connection, Filter(provider=provider, kind=kind)):
        return
    known = [one.name for name, owner in _providers().items() if provider.lower() in {"", name} for one in owner.kinds]
    if kind.upper() not in known:
        whose = f"{provider} has" if provider else "there is"
        raise SettingsError(f"--kind: {whose} no kind {kind!r}; {_there_are(known)}")


def _is_stored(connection: Connection, wanted: Filter) -> bool:
    """Whether the journal has such a callback: of a provider that was uninstalled, or under an earlier name."""
    return bool(journal.find(connection, wanted, 1))


def _providers() -> Mapping[str, type["Provider[Any]"]]:
    """The installed providers, imported only where the journal does not answer the question."""
    from receiver.providers.base.discovery import discover

    return discover()


def _loaded_listeners() -> tuple[str, ...]:
    """The handlers that deliveries can go to; none where a module does not load, which `receiver check` explains."""
    from receiver.components import load_components
    from receiver.settings import load

    try:
        return load_components(load()).registry.listener_names
    except ReceiverError:
        return ()


def _there_are(known: Iterable[str]) -> str:
    names = sorted(known)
    return f"there is {names[0]}" if len(names) == 1 else f"there are {', '.join(names)}" if names else "there is none"
