"""Callbacks and deliveries as JSON values, for `--json` and for exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from receiver.cli.output import as_text
from receiver.errors import PayloadError
from receiver.intake.fetched import CALL_LOG_NOTE
from receiver.intake.reread import reread
from receiver.plugins.call_history import decode_state
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event
from receiver.tracing.notes import trace_id_in, without_trace
from storage import Delivery, StoredCallback


def callback_summary(callback: StoredCallback) -> dict[str, Any]:
    """A callback without its bytes, as JSON values."""
    return {
        "id": callback.id,
        "received_at": callback.received_at.isoformat(),
        "provider": callback.provider,
        "kind": callback.kind or None,
        "call_id": callback.call_id or None,
        "outcome": callback.outcome,
        "reason": callback.reason or None,
        "duplicate_of": callback.duplicate_of,
        "source": "call log" if CALL_LOG_NOTE in callback.notes else "provider",
        "notes": without_trace(callback.notes),
        "format": callback.format,
        "peer": callback.peer,
        "took_us": callback.took_us,
        "answered_by": callback.answered_by,
        "trace_id": trace_id_in(callback.notes) or None,
    }


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


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON values."""
    return {
        "id": delivery.id,
        "handler": delivery.handler,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "reason": delivery.reason or None,
        "due_at": delivery.due_at.isoformat() if delivery.due_at else None,
        "finished_at": delivery.finished_at.isoformat() if delivery.finished_at else None,
        "replay_id": delivery.replay_id,
        "failures": [
            {
                "number": attempt.number,
                "started_at": attempt.started_at.isoformat(),
                "result": attempt.result,
                "error": attempt.error,
                "traceback": attempt.traceback,
                "took_us": attempt.took_us,
            }
            for attempt in delivery.failures
        ],
    }
