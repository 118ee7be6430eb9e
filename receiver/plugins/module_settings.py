"""The settings of a handler module: checked before the receiver starts, and usable as values of filters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from receiver.errors import SettingsError
from receiver.plugins.handlers import Handler


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a filter that a user sets: `@handlers.answer(IvrRequest, did=Setting("did"))`.

    It is read from the module's settings when the receiver starts. If it is missing, the default of the module's
    settings model is used; without a default it is required.
    """

    name: str


def bind(handler: Handler, table: Mapping[str, Any]) -> Handler:
    """The handler with its settings in its filters. Raises SettingsError for settings that cannot work.

    `table` is the table `[handler_settings.NAME]` of its module.
    """
    for name in handler.requires:
        if table.get(name) in (None, ""):
            raise SettingsError(_missing(handler, name))
    setting_values(handler, table)
    return resolve_filters(handler, table)


def resolve_filters(handler: Handler, table: Mapping[str, Any]) -> Handler:
    """The handler with its settings in its filters; other settings are ignored."""
    needed = {name: wanted.name for name, wanted in handler.filters.items() if isinstance(wanted, Setting)}
    if not needed:
        return handler
    values = setting_values(handler, table)
    if absent := set(needed.values()) - values.keys():
        raise SettingsError(_missing(handler, min(absent)))
    filters = {name: values[needed[name]] if name in needed else wanted for name, wanted in handler.filters.items()}
    return replace(handler, filters=filters)


def setting_values(handler: Handler, table: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a handler's module, with the defaults of their model. Raises SettingsError for wrong ones."""
    if handler.settings_model is None:
        return dict(table)
    try:
        return dict(handler.settings_model.model_validate(table))
    except ValidationError as error:
        raise SettingsError("\n".join(_problems(handler, error))) from error


def _problems(handler: Handler, error: ValidationError) -> Iterator[str]:
    """Each wrong setting by its full name; values are left out, because some are secrets."""
    for item in error.errors():
        name = ".".join(map(str, item["loc"]))
        if item["type"] == "missing":
            yield _missing(handler, name)
        elif item["type"] == "extra_forbidden" and len(item["loc"]) == 1:
            known = ", ".join(getattr(handler.settings_model, "model_fields", ()))
            yield f"handler_settings.{handler.module}.{name}: there is no such setting; there are {known}"
        else:
            where = ".".join(filter(None, ("handler_settings", handler.module, name)))
            yield f"{where}: {item['msg'].removeprefix('Value error, ')}"


def _missing(handler: Handler, name: str) -> str:
    return (
        f"handler_settings.{handler.module}.{name} is missing: {handler.name} needs it. Write it to "
        f"receiver.toml below [handler_settings.{handler.module}]"
    )
