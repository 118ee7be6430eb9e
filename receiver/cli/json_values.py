"""Callbacks and deliveries as JSON values, for `--json` and for exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from receiver.cli.output import as_text
from receiver.cli.row_values import callback_summary, delivery_values
from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.plugins.call_history import decode_state
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from storage import Delivery, StoredCallback


def callback_details(callback: StoredCallback, deliveries: Sequence[Delivery], event: Event | str) -> dict[str, Any]:
    """A callback with all that belongs to it, as JSON values; bytes that are no UTF-8 show as escapes.

    `event` is the typed event, or the reason why there is none.
    """
    return {
        **callback_summary(callback),
        "content_hash": callback.content_hash.hex(),
        "request": {
            "method": callback.method,
            "path": callback.path,
            "query": as_text(callback.query),
            "headers": dict(callback.headers),
            "part": callback.part,
            "body": as_text(callback.body),
        },
        "reply": {
            "status": callback.reply_status,
            "content_type": callback.reply_type,
            "body": as_text(callback.reply_body),
        },
        "call_state": decode_state(callback.call_state) if callback.call_state is not None else None,
        "event_type": None if isinstance(event, str) else type(event).__name__,
        "event": None if isinstance(event, str) else event_values(event),
        "event_error": event if isinstance(event, str) else None,
        "deliveries": [delivery_values(delivery) for delivery in deliveries],
    }


def event_of(callback: StoredCallback, providers: Mapping[str, Provider[Any]]) -> Event | str:
    """The typed event of a stored callback, read by today's code; the reason where it cannot be."""
    provider = providers.get(callback.provider)
    if provider is None:
        return f"there is no provider {callback.provider!r} any more"
    try:
        return reread(provider, callback)
    except PayloadError as error:
        return str(error)


def event_values(event: Event) -> dict[str, Any]:
    """An event's fields as JSON values, with `extra` and `unread`; `raw` is left out, because the body has it."""
    return event.model_dump(mode="json", exclude={"raw"})
