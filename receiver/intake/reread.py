"""Parse a stored callback again."""

from typing import Any

from receiver.errors import PayloadError
from receiver.providers.base.contract import CallbackRequest, Provider
from receiver.providers.base.event import Event
from storage import StoredCallback


def reread(provider: Provider[Any], callback: StoredCallback) -> Event:
    """The event of a stored callback, parsed from its bytes by today's code. Raises PayloadError."""
    request = CallbackRequest(
        endpoint=provider.endpoint_of(callback.path),
        method=callback.method,
        path=callback.path,
        query=callback.query,
        headers=callback.headers,
        body=callback.body,
        peer=callback.peer,
        received_at=callback.received_at,
    )
    try:
        callbacks = provider.read(request).callbacks
    except Exception as error:  # a fault of ours; the callback is kept for a repaired parser
        raise PayloadError(f"callback {callback.id} cannot be read: {type(error).__name__}") from error
    if callback.part >= len(callbacks):
        raise PayloadError(f"callback {callback.id} is no longer part {callback.part} of its request")
    event = callbacks[callback.part].event
    if event is None:
        raise PayloadError(f"callback {callback.id} cannot be read: {callbacks[callback.part].reason}")
    return event
