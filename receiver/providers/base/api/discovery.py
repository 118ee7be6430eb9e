"""Finding APIs: the package `api` of a provider's package exports its definition as `API`."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from receiver.errors import SettingsError
from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.discovery import provider_packages
from receiver.settings import problems


def discover_apis() -> dict[str, Api]:
    """The API of every provider that has one, by the provider's name."""
    found: dict[str, Api] = {}
    for package in provider_packages():
        name = f"{package.__name__}.api"
        if hasattr(package, "__path__") and importlib.util.find_spec(name) is not None:
            api: Api = importlib.import_module(name).API
            found[api.name] = api
    return dict(sorted(found.items()))


def make_options(api: type[Api] | Api, given: Mapping[str, Any], where: str = "") -> ApiOptions:
    """The options of an API, checked. Raises SettingsError, which never shows a value."""
    try:
        return api.options_type.model_validate(given)
    except ValidationError as error:
        raise SettingsError(problems(error, where or f"{api.name} client")) from None


def client_of(provider: str) -> type[Any]:
    """The asynchronous client of a provider. Raises SettingsError where there is none."""
    apis = discover_apis()
    if provider not in apis:
        raise SettingsError(f"{provider!r} has no API; there are {', '.join(apis)}")
    package = type(apis[provider]).__module__.rpartition(".")[0]
    found: type[Any] = importlib.import_module(f"{package}.client").Client
    return found
