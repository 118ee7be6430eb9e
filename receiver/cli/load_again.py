"""Loading handlers and settings again while the receiver runs, as far as a running receiver can change them."""

import asyncio
from pathlib import Path

from receiver.cli.load_check import require_loadable
from receiver.components import Components, load_components, make_providers
from receiver.plugins.handlers import HandlerDefaults
from receiver.plugins.reloading import Authored, imported_again
from receiver.settings import Settings

RELOADED = frozenset(HandlerDefaults.__dataclass_fields__) | {"handlers", "handler_settings", "providers"}
"""Settings that a running receiver can change."""


def authored(components: Components) -> Authored:
    """Which modules are the handler authors': those below the working folder, and those that handlers are defined in.

    A provider's package is not among them, wherever it lies: the provider goes on, with its classes.
    """
    named = {getattr(handler.function, "__module__", "") for handler in components.registry}
    kept = {type(provider).__module__.partition(".")[0] for provider in components.providers.values()}
    return Authored(Path.cwd(), frozenset(named), frozenset(kept))


async def load_again(running: Components, settings: Settings) -> tuple[Components, list[str]]:
    """What new settings and changed modules make, with the names of settings that only a restart would apply.

    `running` has the settings of the start. Handler modules are imported anew, here only after they were imported in
    another process. Raises SettingsError or HandlerError, and then the modules are as before.
    """
    make_providers(settings)  # what a restart would apply must be valid too
    usable, ignored = _without_fixed(running, settings)
    await require_loadable(usable)
    return await asyncio.to_thread(_import_again, running, usable), ignored


def _import_again(running: Components, settings: Settings) -> Components:
    with imported_again(authored(running)):
        return load_components(settings)


def _without_fixed(running: Components, settings: Settings) -> tuple[Settings, list[str]]:
    """The settings with all that a running receiver cannot change left as it is, and what that concerns."""
    fixed = {name: getattr(running.settings, name) for name in Settings.model_fields if name not in RELOADED}
    ignored = [name for name, value in fixed.items() if getattr(settings, name) != value]
    providers = {name: dict(options) for name, options in settings.providers.items()}
    for name, provider in running.providers.items():
        if not provider.endpoints:
            continue
        wanted, started = providers.setdefault(name, {}), running.settings.providers.get(name, {})
        for option in sorted(provider.fixed_options):
            if wanted.get(option) != started.get(option):
                ignored.append(f"providers.{name}.{option}")
            wanted.pop(option, None)
            wanted |= {option: started[option]} if option in started else {}
    return settings.model_copy(update={**fixed, "providers": providers}), ignored
