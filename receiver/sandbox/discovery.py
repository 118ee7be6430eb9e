"""Finding the providers' parts of the sandbox."""

import importlib
import importlib.util

from receiver.providers.base.discovery import provider_packages
from receiver.providers.base.sandbox import SandboxApi


def discover() -> dict[str, type[SandboxApi]]:
    """The parts by name: `SANDBOX` of the package `sandbox` in each provider's package that has one."""
    found = {}
    for package in provider_packages():
        name = f"{package.__name__}.sandbox"
        if hasattr(package, "__path__") and importlib.util.find_spec(name):
            part: type[SandboxApi] = importlib.import_module(name).SANDBOX
            found[part.name] = part
    return dict(sorted(found.items()))
