"""Parse a stored callback again."""

from typing import Any

from receiver.errors import PayloadError
from receiver.providers.base.contract import CallbackRequest, ParsedCallback, Provider
from receiver.providers.base.event import Event
from storage import StoredCallback


def reread(provider: Provider[Any], callback: StoredCallback) -> Event:
    """The event of a stored callback, parsed from its bytes by today's code. Raises PayloadError."""
    return reread_callback(provider, callback).require_event()


def reread_callback(provider: Provider[Any], callback: StoredCallback) -> ParsedCallback:
    """A stored callback, parsed from its bytes by today's code; it has an event. Raises PayloadError."""
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
    parsed = callbacks[callback.part]
    if not parsed.is_readable:
        raise PayloadError(f"callback {callback.id} cannot be read: {parsed.reason}")
    return parsed
