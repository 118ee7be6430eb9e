"""Callbacks and deliveries as JSON values, as far as the journal alone has them: without their events."""

from typing import Any

from receiver.tracing.notes import trace_id_in, without_trace
from storage import Delivery, StoredCallback
from storage.values import CALL_LOG_NOTE


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
