"""OpenTelemetry traces of a command that runs handlers, and their ids in its log."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from receiver.settings import Settings
from receiver.tracing.setup import start_tracing

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

logger = logging.getLogger(__name__)


def start(settings: Settings) -> "Tracing | None":
    """Export spans from now on if the settings say so; None if not. Call it after `logs.configure`.

    The spans that handlers make go the same way. Raises SettingsError.
    """
    if not settings.tracing:
        return None
    tracing = start_tracing()
    tracing.make_global()
    for handler in logging.getLogger().handlers:
        handler.addFilter(TraceIds(tracing.trace_id))
    return tracing


def stop(tracing: "Tracing | None") -> None:
    """Send the spans that are not sent yet, for a few seconds."""
    if tracing is not None and not tracing.close():
        logger.warning("the last spans could not be sent in time")


class TraceIds(logging.Filter):
    """Adds the id of the trace in progress to each line of the log."""

    def __init__(self, trace_id: Callable[[], str]) -> None:
        super().__init__()
        self._trace_id = trace_id

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the id; every line is shown."""
        if trace_id := self._trace_id():
            record.trace_id = trace_id
        return True
