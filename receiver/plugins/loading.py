"""Finding handler modules and putting their handlers in order."""

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from receiver.errors import HandlerError, SettingsError
from receiver.plugins.handlers import Handler, Handlers
from receiver.providers.contract import Kind, Mode, Provider
from receiver.providers.event import Event
from receiver.providers.records import CallRecord

ENTRY_POINTS = "receiver.handlers"
"""The entry point group in which an installed package may offer its handler module under a short name."""


class Registry:
    """All handlers that are loaded, by what they listen to."""

    def __init__(self, handlers: Iterable[Handler], providers: Mapping[str, Provider[Any]]) -> None:
        self._handlers = tuple(handlers)
        self._listeners: dict[type, list[Handler]] = {}
        self._answerers: dict[type, list[Handler]] = {}
        self._by_name: dict[str, Handler] = {}
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
        """The handler of that name or alias."""
        return self._by_name.get(name)

    @property
    def listener_names(self) -> tuple[str, ...]:
        """Every name and alias under which deliveries may stand."""
        return tuple(name for name, handler in self._by_name.items() if not handler.answers)

    @property
    def wants_records(self) -> bool:
        """Whether any handler listens to call records."""
        return CallRecord in self._listeners

    def listeners(self, event: Event, record: CallRecord | None) -> list[Handler]:
        """The handlers to tell of this event or of its record.

        A filter that raises counts as a match here: the delivery then fails where people can see why.
        """
        found = [handler for handler in self._listeners.get(type(event), ()) if _may_match(handler, event)]
        if record is not None:
            found += [handler for handler in self._listeners.get(CallRecord, ()) if _may_match(handler, record)]
        return found

    def unconditional(self, event: type[Event]) -> tuple[str, ...] | None:
        """The names of the handlers to tell of such an event, if none of them looks into it first; else None."""
        if CallRecord in self._listeners:
            return None  # whether there is a record of it shows in the event
        listeners = self._listeners.get(event, ())
        return None if any(handler.filters for handler in listeners) else tuple(one.name for one in listeners)

    def answerer(self, event: Event) -> Handler | None:
        """The first handler whose filters let this question pass."""
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
        raise HandlerError(f"{handler.name}: {handler.subject.__name__} asks nothing; use `on` in place of `answer`")
    if not handler.answers and asks:
        raise HandlerError(f"{handler.name}: {handler.subject.__name__} wants a reply; use `answer` in place of `on`")


def load(names: Iterable[str], providers: Mapping[str, Provider[Any]]) -> Registry:
    """The handlers of these modules, in this order. Raises SettingsError or HandlerError with what to do about it.

    A name is an entry point of the group `receiver.handlers`, or a module's import path; the working folder counts.
    """
    _let_the_working_folder_count()
    offered = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    modules = [_import(offered.get(name, name), name) for name in names]
    return Registry((handler for module in modules for handler in _handlers_in(module)), providers)


def _let_the_working_folder_count() -> None:
    """Make modules of the working folder importable, and those in its `handlers/` come before ours of that name."""
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
            raise SettingsError(f"handlers: {name!r} needs a module that is not installed: {error.name}") from error
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
