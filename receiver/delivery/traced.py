"""Attempts with spans. They take the place of the plain ones if tracing is on."""

import asyncio
from typing import TYPE_CHECKING, Any

from receiver.delivery.attempt import AttemptResult, AttemptRunner, OnAbandoned
from receiver.plugins.handlers import Handler
from receiver.providers.base.subjects import Subjects
from storage import Claim, State

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing


class TracedAttemptRunner(AttemptRunner):
    """Makes a span of each attempt. It is created like `AttemptRunner`, with `tracing` first."""

    def __init__(self, tracing: "Tracing", *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._tracing = tracing

    async def attempt(
        self, handler: Handler, claim: Claim, subjects: Subjects | None, on_abandoned: OnAbandoned
    ) -> AttemptResult:
        """As `AttemptRunner.attempt`, in the trace of the callback."""
        callback = claim.callback
        with self._tracing.attempt(
            callback.notes,
            handler.name,
            provider=callback.provider,
            kind=callback.kind,
            callback_id=callback.id,
            delivery_id=claim.delivery_id,
            attempt=claim.attempt,
        ) as span:
            try:
                result = await super().attempt(handler, claim, subjects, on_abandoned)
            except asyncio.CancelledError:
                span.note(outcome="released")
                raise
            span.note(outcome=result.result, state=result.state.value)
            if result.state in {State.DUE, State.DEAD}:
                span.failed(result.result)
        return result
