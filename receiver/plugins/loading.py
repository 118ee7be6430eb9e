"""Finding handler modules and importing them."""

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from receiver.errors import HandlerError, SettingsError
from receiver.plugins.failures import at, author_line
from receiver.plugins.handlers import Handler, HandlerDefaults, Handlers
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Provider

ENTRY_POINTS = "receiver.handlers"
"""The entry point group in which an installed package may offer its handler module under a short name."""
EXTRA = frozenset({"apprise", "opening_hours", "standardwebhooks"})
"""Modules that the bundled handler modules import, and that only the extra `handlers` installs."""


def load(
    names: Iterable[str],
    providers: Mapping[str, Provider[Any]],
    *,
    handler_settings: Mapping[str, Mapping[str, Any]] | None = None,
    defaults: HandlerDefaults | None = None,
) -> Registry:
    """The handlers of these modules, in this order. Raises SettingsError or HandlerError with what to do about it.

    A name is an entry point of the group `receiver.handlers`, or a module's import path, also in the working folder.
    `handler_settings` has a table for each module that has settings.
    """
    _add_working_folder_to_path()
    offered = {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
    modules = [_import(offered.get(name, name), name) for name in names]
    handlers = (handler for module in modules for handler in _handlers_in(module))
    return Registry(handlers, providers, handler_settings=handler_settings, defaults=defaults)


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
            missing = f"{error.name}{install}{at(*author_line(error))}"
            raise SettingsError(f"handlers: {name!r} needs a module that is not installed: {missing}") from error
        raise SettingsError(
            f"handlers: there is no module {name!r}. Write its import path, such as handlers.demo for "
            f"handlers/demo.py below the working folder, or the name of an installed `{ENTRY_POINTS}` entry point"
        ) from error
    except HandlerError as error:
        raise HandlerError(f"{error}{at(*author_line(error))}") from error
    except (
        BaseException
    ) as error:  # SystemExit or KeyboardInterrupt of a module must not end a receiver that reloads it
        text = error.msg if isinstance(error, SyntaxError) else error
        what = f"{type(error).__name__}: {text}{at(*author_line(error))}"
        raise SettingsError(f"handlers: {name!r} failed while it was imported: {what}") from error


def _handlers_in(module: ModuleType) -> Iterator[Handler]:
    groups = {id(value): value for value in vars(module).values() if isinstance(value, Handlers)}
    if not groups:
        raise SettingsError(f"handlers: {module.__name__} has no `handlers = Handlers()`")
    for group in groups.values():
        yield from group
