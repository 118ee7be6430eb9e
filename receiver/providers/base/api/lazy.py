"""Loading clients only when they are used: a receiver that calls no API starts without them."""

import importlib
from typing import Any

_MODULES = {"Client": "client", "SyncClient": "client_sync"}


def client_class(package: str, name: str) -> Any:
    """`Client` or `SyncClient` of a provider's package. Raises AttributeError for other names."""
    if name not in _MODULES:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{package}.api.{_MODULES[name]}"), name)
