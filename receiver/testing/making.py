"""Events with realistic values."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from receiver.errors import HandlerError
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord, Direction

Made = TypeVar("Made", bound=Event | CallRecord)


def make(what: type[Made], **fields: Any) -> Made:
    """An event of this class, or a call record, with values as a provider sends them, except the given `fields`.

    `make(Cdr, caller="0523574321")`. Each has a new call id unless one is given. Fields have their Python names.
    Raises HandlerError for a class that no provider has, and pydantic's ValidationError for an unknown field.
    """
    if issubclass(what, CallRecord):
        return what.model_validate({**_record_fields(), **fields})
    return what.model_validate({**_example_of(what), **fields})


def _example_of(what: type[Event]) -> Mapping[str, Any]:
    for provider in _providers():
        if (values := provider.examples().get(what)) is not None:
            return values
    raise HandlerError(f"no provider has an example of a {what.__name__}; make it with its own constructor")


def _record_fields() -> dict[str, Any]:
    """The call record of the first example that has one."""
    for provider in _providers():
        for event_type in provider.examples():
            record = provider.record(make(event_type))
            if record is not None and record.direction is Direction.INCOMING:
                return {name: getattr(record, name) for name in CallRecord.model_fields}
    raise HandlerError("no provider has an example of a call record; make it with its own constructor")


def _providers() -> Iterator[Provider[Any]]:
    for provider_class in sorted(
        discover().values(), key=lambda one: not one.endpoints
    ):  # callbacks are the usual case
        yield provider_class(provider_class.options_type())
