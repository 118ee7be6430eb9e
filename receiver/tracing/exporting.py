"""Export spans by OTLP over HTTP. The SDK reads the standard OTEL_… variables: where to, how often, which samples."""

import logging
import os
from collections.abc import Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from receiver.tracing.spans import Tracing

SERVICE = "callback-receiver"
"""The service's name in traces, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES has another."""
_LIBRARY_LOG = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

logger = logging.getLogger(__name__)


def export_spans() -> Tracing:
    """Start to export spans in the background."""
    exporter = OTLPSpanExporter()
    outage = OutageLog()
    logging.getLogger(_LIBRARY_LOG).addFilter(outage)
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(ReportedExporter(exporter, outage)))
    return Tracing(provider)


class OutageLog(logging.Filter):
    """Logs the beginning and the end of a time in which no spans can be sent, with the library's first reason."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = 0
        self._shown = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line of the library is shown: the first of an outage."""
        shown, self._shown = self._shown, True
        return not shown

    def sent(self) -> None:
        """A batch was sent."""
        if self._lost:
            logger.warning("traces are sent again; %d spans were lost", self._lost)
        self._lost, self._shown = 0, False

    def failed(self, spans: int) -> None:
        """A batch of so many spans was lost."""
        if not self._lost:
            logger.error("traces cannot be sent: is OTEL_EXPORTER_OTLP_ENDPOINT right? Spans are lost until they can")
        self._lost += spans


class ReportedExporter(SpanExporter):
    """An exporter whose failures are logged once, not for each batch."""

    def __init__(self, exporter: SpanExporter, outage: OutageLog) -> None:
        self._exporter = exporter
        self._outage = outage

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; what cannot be sent within the exporter's timeout is lost."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outage.sent()
        else:
            self._outage.failed(len(spans))
        return result

    def shutdown(self) -> None:
        """Send no more."""
        self._exporter.shutdown()


def _resource() -> Resource:
    given = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = {SERVICE_VERSION: version("callback-receiver")} | ({} if given else {SERVICE_NAME: SERVICE})
    return Resource.create(ours)
