"""Discovery of providers: the folders of `receiver.providers`, and the entry points of installed packages."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from receiver.errors import SettingsError
from receiver.providers.base.contract import Provider

ENTRY_POINTS = "receiver.providers"
"""The entry point group in which an installed package may offer a provider's package."""


def discover() -> dict[str, type[Provider[Any]]]:
    """Every provider whose records the journal may have, by name.

    The package of such a provider has a class `PROVIDER`; one without it, such as an API client, is left out. One that
    sends no callbacks has no endpoints (`log_only.LogOnlyProvider`). Raises
    SettingsError if two providers have one name, or an entry point does not load.
    """
    found: dict[str, type[Provider[Any]]] = {}
    for package in provider_packages():
        provider: type[Provider[Any]] | None = getattr(package, "PROVIDER", None)
        if provider is None:
            continue
        if found.setdefault(provider.name, provider) is not provider:
            raise SettingsError(f"two providers are named {provider.name!r}: uninstall the package of one of them")
    return dict(sorted(found.items()))


def provider_packages() -> Iterator[ModuleType]:
    """The packages of all providers: the folders beside this one, then those of the entry points."""
    package = importlib.import_module("receiver.providers")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        if module.ispkg and module.name != "base":
            yield importlib.import_module(f"{package.__name__}.{module.name}")
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            offered = entry.load()
        except Exception as error:
            raise SettingsError(f"the provider {entry.name!r} ({entry.value}) cannot be imported: {error!r}") from error
        if not isinstance(offered, ModuleType):
            raise SettingsError(f"the entry point {entry.name!r} ({entry.value}) must name a provider's package")
        yield offered
