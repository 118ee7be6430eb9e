"""Loading of handler modules, and the registry of their handlers."""

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from receiver.errors import HandlerError, SettingsError
from receiver.plugins.handlers import Handler, Handlers
from receiver.plugins.module_settings import bind
from receiver.providers.base.contract import Kind, Mode, Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord
from receiver.providers.base.subjects import Subjects

ENTRY_POINTS = "receiver.handlers"
"""The entry point group in which an installed package may offer its handler module under a short name."""
EXTRA = frozenset({"apprise", "opening_hours", "standardwebhooks"})
"""Modules that the bundled handler modules import, and that only the extra `handlers` installs."""


class Registry:
    """All handlers that are loaded, by what they listen to, with the settings of their modules in their filters.

    Raises SettingsError or HandlerError for what cannot work.
    """

    def __init__(
        self,
        handlers: Iterable[Handler],
        providers: Mapping[str, Provider[Any]],
        *,
        handler_settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        tables = handler_settings or {}
        self._handlers = tuple(bind(handler, tables.get(handler.module, {})) for handler in handlers)
        self._listeners: dict[type, list[Handler]] = {}
        self._answerers: dict[type, list[Handler]] = {}
        self._by_name: dict[str, Handler] = {}
        self._unconditional: dict[type[Event], tuple[str, ...] | None] = {}
        kinds = {kind.event: kind for provider in providers.values() for kind in provider.kinds}
        for handler in self._handlers:
            _check_mode(handler, kinds)
            table = self._answerers if handler.answers else self._listeners
            table.setdefault(handler.subject, []).append(handler)
            self._add_names(handler)

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._handlers)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def named(self, name: str) -> Handler | None:
        """The handler with that name or alias."""
        return self._by_name.get(name)

    @property
    def listener_names(self) -> tuple[str, ...]:
        """Every name and alias that deliveries may have."""
        return tuple(name for name, handler in self._by_name.items() if not handler.answers)

    def listeners(self, subjects: Subjects) -> list[Handler]:
        """The handlers that this event, or its call record, is delivered to.

        A filter that raises counts as a match here: the delivery then fails with its exception.
        """
        event = subjects.event
        found = [handler for handler in self._listeners.get(type(event), ()) if _may_match(handler, event)]
        on_records = self._listeners.get(CallRecord, ())
        if on_records and (record := subjects.record) is not None:
            found += [handler for handler in on_records if _may_match(handler, record)]
        return found

    def unconditional(self, kind: Kind) -> tuple[str, ...] | None:
        """The names of the handlers that every event of this kind is delivered to; None if that depends on its content.

        A notify callback is stored without making its event where its handlers are known already.
        """
        return self._unconditional[kind.event] if kind.event in self._unconditional else self._find_unconditional(kind)

    def _find_unconditional(self, kind: Kind) -> tuple[str, ...] | None:
        on_records = self._listeners.get(CallRecord, [])
        found = [*self._listeners.get(kind.event, ()), *(on_records if kind.has_record else ())]
        depends = any(handler.filters for handler in found) or (on_records and not kind.has_record)
        names = None if depends else tuple(handler.name for handler in found)
        self._unconditional[kind.event] = names
        return names

    def answerer(self, event: Event) -> Handler | None:
        """The first handler whose filters match this question."""
        return next((handler for handler in self._answerers.get(type(event), ()) if handler.matches(event)), None)

    def overlaps(self) -> list[tuple[Handler, Handler]]:
        """Pairs of answering handlers that could both match one question; the earlier one wins."""
        return [
            (one, other)
            for handlers in self._answerers.values()
            for index, one in enumerate(handlers)
            for other in handlers[index + 1 :]
            if one.could_match_with(other)
        ]

    def _add_names(self, handler: Handler) -> None:
        for name in (handler.name, *handler.aliases):
            if name in self._by_name:
                raise HandlerError(f"two handlers are named {name!r}; give one of them another `name=`")
            self._by_name[name] = handler


def _may_match(handler: Handler, subject: Event | CallRecord) -> bool:
    try:
        return handler.matches(subject)
    except Exception:
        return True


def _check_mode(handler: Handler, kinds: Mapping[type[Event], Kind]) -> None:
    kind = kinds.get(handler.subject) if issubclass(handler.subject, Event) else None
    asks = kind is not None and kind.mode is Mode.ASK
    if handler.answers and not asks:
        raise HandlerError(f"{handler.name}: {handler.subject.__name__} is not a question; use `on`, not `answer`")
    if not handler.answers and asks:
        raise HandlerError(f"{handler.name}: {handler.subject.__name__} is a question; use `answer`, not `on`")


def load(
    names: Iterable[str],
    providers: Mapping[str, Provider[Any]],
    *,
    handler_settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Registry:
    """The handlers of these modules, in this order. Raises SettingsError or HandlerError with what to do about it.

    A name is an entry point of the group `receiver.handlers`, or a module's import path, also in the working folder.
    `handler_settings` has a table for each module that has settings.
    """
    _add_working_folder_to_path()
    offered = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    modules = [_import(offered.get(name, name), name) for name in names]
    handlers = (handler for module in modules for handler in _handlers_in(module))
    return Registry(handlers, providers, handler_settings=handler_settings)


def _add_working_folder_to_path() -> None:
    """Make the modules of the working folder importable, and those in its `handlers/` before bundled ones."""
    folder = Path.cwd()
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # last: a folder named like an installed package must not hide that
        importlib.invalidate_caches()
    own = folder / "handlers"
    if own.is_dir():
        handlers = importlib.import_module("handlers")
        handlers.__path__ = [str(own), *(path for path in handlers.__path__ if path != str(own))]


def _import(path: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not path.startswith(error.name):
            install = "; install it: pip install 'callback-receiver[handlers]'" if error.name in EXTRA else ""
            raise SettingsError(
                f"handlers: {name!r} needs a module that is not installed: {error.name}{install}"
            ) from error
        raise SettingsError(
            f"handlers: there is no module {name!r}. Write its import path, such as handlers.demo for "
            f"handlers/demo.py below the working folder, or the name of an installed `{ENTRY_POINTS}` entry point"
        ) from error
    except HandlerError:
        raise
    except Exception as error:
        raise SettingsError(f"handlers: {name!r} failed while it was imported: {error!r}") from error


def _handlers_in(module: ModuleType) -> Iterator[Handler]:
    groups = {id(value): value for value in vars(module).values() if isinstance(value, Handlers)}
    if not groups:
        raise SettingsError(f"handlers: {module.__name__} has no `handlers = Handlers()`")
    for group in groups.values():
        yield from group
