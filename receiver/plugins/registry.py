"""The handlers that are loaded, by what they listen to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.errors import HandlerError
from receiver.plugins.failures import at
from receiver.plugins.handlers import Handler, HandlerDefaults
from receiver.plugins.module_settings import bind
from receiver.providers.base.contract import Kind, Mode, Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects


@dataclass(frozen=True, slots=True)
class _Table:
    """The content of a registry. It is immutable, and replaced as a whole."""

    providers: Mapping[str, Provider[Any]]
    defaults: HandlerDefaults
    handlers: tuple[Handler, ...]
    by_name: Mapping[str, Handler]
    listeners: Mapping[type, list[Handler]]
    answerers: Mapping[type, list[Handler]]
    listener_names: tuple[str, ...]
    answers_with_history: bool
    unconditional: dict[type[Event], tuple[str, ...] | None] = field(default_factory=dict)
    """Memoised, by the event of the kind."""


class Registry:
    """All handlers that are loaded, by what they listen to, with their modules' settings and with the providers.

    What receives, answers and delivers shares one registry, so `replace` is all that a reload takes. Raises
    SettingsError or HandlerError for what cannot work.
    """

    def __init__(
        self,
        handlers: Iterable[Handler],
        providers: Mapping[str, Provider[Any]],
        *,
        handler_settings: Mapping[str, Mapping[str, Any]] | None = None,
        defaults: HandlerDefaults | None = None,
    ) -> None:
        tables = handler_settings or {}
        loaded = [_bound(handler, tables.get(handler.module, {})) for handler in handlers]
        self._table = _table(loaded, providers, defaults or HandlerDefaults())
        self._on_replace: list[Callable[[], None]] = []

    def replace(self, other: "Registry") -> None:
        """Replace the content by that of `other`, atomically: no lookup finds parts of both.

        The provider objects stay, because routes have them; they take over the options of the others. Called on the
        event loop, where nothing runs between the two.
        """
        for name, provider in self._table.providers.items():
            if name in other.providers:
                provider.take_over(other.providers[name])
        self._table = replace(other._table, providers=self._table.providers)  # noqa: SLF001 - another registry
        for call in self._on_replace:
            call()

    def on_replace(self, call: Callable[[], None]) -> None:
        """Register `call` to be called after each `replace`."""
        self._on_replace.append(call)

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._table.handlers)

    def __contains__(self, name: str) -> bool:
        return name in self._table.by_name

    @property
    def providers(self) -> Mapping[str, Provider[Any]]:
        """Every provider by its name."""
        return self._table.providers

    @property
    def defaults(self) -> HandlerDefaults:
        """The default limits of handlers."""
        return self._table.defaults

    @property
    def answers_with_history(self) -> bool:
        """Whether any `answer` handler has `history=True`."""
        return self._table.answers_with_history

    @property
    def listener_names(self) -> tuple[str, ...]:
        """Every name and alias that deliveries may have: the same object until the registry is replaced."""
        return self._table.listener_names

    def named(self, name: str) -> Handler | None:
        """The handler with that name or alias."""
        return self._table.by_name.get(name)

    def listener(self, name: str) -> Handler | None:
        """The handler of that name or alias that deliveries go to."""
        handler = self._table.by_name.get(name)
        return None if handler is None or handler.answers else handler

    def listeners(self, subjects: Subjects) -> list[Handler]:
        """The handlers that this event, or its call record, is delivered to.

        A filter that raises counts as a match here: the delivery then fails with its exception.
        """
        table, event = self._table, subjects.event
        found = [handler for handler in table.listeners.get(type(event), ()) if _may_match(handler, event)]
        on_records = table.listeners.get(CallRecord, ())
        if on_records and (record := subjects.record) is not None:
            found += [handler for handler in on_records if _may_match(handler, record)]
        return found

    def unconditional(self, kind: Kind) -> tuple[str, ...] | None:
        """The names of the handlers that every event of this kind is delivered to; None if that depends on its content.

        A notify callback is stored without making its event where its handlers are known already.
        """
        table = self._table
        if kind.event not in table.unconditional:
            table.unconditional[kind.event] = _find_unconditional(table, kind)
        return table.unconditional[kind.event]

    def answerers(self, question: type[Event]) -> Sequence[Handler]:
        """The handlers that answer these questions, in the order in which their filters are checked."""
        return self._table.answerers.get(question, ())

    def answerer(self, event: Event) -> Handler | None:
        """The first handler whose filters match this question."""
        return next((handler for handler in self._table.answerers.get(type(event), ()) if handler.matches(event)), None)

    def overlaps(self) -> list[tuple[Handler, Handler]]:
        """Pairs of `answer` handlers that could match the same question; the earlier one is used."""
        return [
            (one, other)
            for handlers in self._table.answerers.values()
            for index, one in enumerate(handlers)
            for other in handlers[index + 1 :]
            if one.could_match_with(other)
        ]


def _bound(handler: Handler, table: Mapping[str, Any]) -> Handler:
    """The handler with the settings of its module, in its filters too. Raises SettingsError."""
    return replace(bind(handler, table), settings=table)


def _table(handlers: Sequence[Handler], providers: Mapping[str, Provider[Any]], defaults: HandlerDefaults) -> _Table:
    """Raises HandlerError where handlers do not fit their subjects or each other."""
    kinds = {kind.event: kind for provider in providers.values() for kind in provider.kinds}
    listeners: dict[type, list[Handler]] = {}
    answerers: dict[type, list[Handler]] = {}
    by_name: dict[str, Handler] = {}
    for handler in handlers:
        _check_mode(handler, kinds)
        (answerers if handler.answers else listeners).setdefault(handler.subject, []).append(handler)
        for name in (handler.name, *handler.aliases):
            if name in by_name:
                raise HandlerError(
                    f"two handlers are named {name!r}; give one of them another `name=`{at(*handler.source)}"
                )
            by_name[name] = handler
    return _Table(
        providers=providers,
        defaults=defaults,
        handlers=tuple(handlers),
        by_name=by_name,
        listeners=listeners,
        answerers=answerers,
        listener_names=tuple(name for name, handler in by_name.items() if not handler.answers),
        answers_with_history=any(handler.answers and handler.history for handler in handlers),
    )


def _find_unconditional(table: _Table, kind: Kind) -> tuple[str, ...] | None:
    on_records = table.listeners.get(CallRecord, [])
    found = [*table.listeners.get(kind.event, ()), *(on_records if kind.has_record else ())]
    depends = any(handler.filters for handler in found) or (on_records and not kind.has_record)
    return None if depends else tuple(handler.name for handler in found)


def _may_match(handler: Handler, subject: Event | CallRecord) -> bool:
    try:
        return handler.matches(subject)
    except Exception:
        return True


def _check_mode(handler: Handler, kinds: Mapping[type[Event], Kind]) -> None:
    kind = kinds.get(handler.subject) if issubclass(handler.subject, Event) else None
    asks = kind is not None and kind.mode is Mode.ASK
    subject, where = handler.subject.__name__, at(*handler.source)
    if handler.answers and not asks:
        raise HandlerError(f"{handler.name}: {subject} is not a question; use `on`, not `answer`{where}")
    if not handler.answers and asks:
        raise HandlerError(f"{handler.name}: {subject} is a question; use `answer`, not `on`{where}")
