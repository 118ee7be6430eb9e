"""The row of a callback that never came, made from the provider's call log as if it had."""

from time import perf_counter_ns
from typing import Any

from receiver.intake.journal_row import journal_row
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import CallbackRequest, HttpReply, Provider
from receiver.providers.base.subjects import Subjects
from storage import NewCallback
from storage.values import CALL_LOG_NOTE

FETCHED_REASON = "fetched from the call log"
"""The reason of such a callback, which lists of callbacks show."""
NO_REPLY = HttpReply(b"", "", 0)
"""Status 0: nothing was asked, so nothing was answered."""


def fetched_row(provider: Provider[Any], registry: Registry, request: CallbackRequest) -> NewCallback:
    """The row, with deliveries to the handlers that listen to it, as the intake would make it."""
    began = perf_counter_ns()
    request.notes = (CALL_LOG_NOTE, *request.notes)
    parsed = provider.read(request)
    callback = parsed.callbacks[0]
    kind = provider.kind(callback.kind)
    listeners = registry.listeners(Subjects(provider, callback.require_event)) if callback.is_readable and kind else ()
    return journal_row(
        provider,
        request,
        parsed,
        callback,
        NO_REPLY,
        began,
        outcome="accepted" if callback.is_readable else "unparsed",
        reason=callback.reason or FETCHED_REASON,
        deduplicate=True,
        deliveries=tuple(one.name for one in listeners),
    )
