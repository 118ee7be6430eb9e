"""Starting traces: what is missing, what cannot be sent, and what the log says of it."""

import logging
import sys
from collections.abc import Sequence
from typing import cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from receiver.cli.traces import TraceIds
from receiver.components import load_components
from receiver.errors import SettingsError
from receiver.settings import Settings
from receiver.tracing.exporting import OutageLog, ReportedExporter, export_spans

TRACED = Settings(tracing=True, handlers=[])


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk.trace", "opentelemetry.exporter"])
def test_a_missing_package_is_an_error_that_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, at a reload, and by `receiver check`, which all load the components."""
    for name in [name for name in sys.modules if name == missing or name.startswith(f"{missing}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)  # as Python marks what cannot be imported
    with pytest.raises(SettingsError, match=r"^tracing: .* pip install 'callback-receiver\[otel\]'$"):
        load_components(TRACED)
    load_components(Settings(handlers=[]))


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"])
def test_another_protocol_is_an_error(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector's gRPC port would take nothing that is sent."""
    monkeypatch.setenv(variable, "http/protobuf")
    load_components(TRACED)
    monkeypatch.setenv(variable, "grpc")
    with pytest.raises(SettingsError, match=f"^{variable}: "):
        load_components(TRACED)


@pytest.mark.parametrize("variable", ["OTEL_SERVICE_NAME=ivr", "OTEL_RESOURCE_ATTRIBUTES=service.name=ivr", ""])
def test_the_service_has_a_name_that_the_environment_may_replace(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By either of the standard variables."""
    name, _, value = variable.partition("=")
    monkeypatch.setenv(name or "UNUSED", value)
    tracing = export_spans()
    assert tracing._provider.resource.attributes["service.name"] == ("ivr" if variable else "callback-receiver")
    assert tracing.close()


class Unreachable(SpanExporter):
    """An exporter that logs and fails as the library's does, until it is `up`."""

    def __init__(self, library: logging.Logger) -> None:
        self.up = False
        self._library = library

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Fail with two lines in the log."""
        if self.up:
            return SpanExportResult.SUCCESS
        self._library.warning("connection refused, retrying")
        self._library.error("failed to export")
        return SpanExportResult.FAILURE


def test_an_outage_of_the_collector_is_logged_once_with_its_end(caplog: pytest.LogCaptureFixture) -> None:
    """Not for each batch; each outage anew."""
    outage, library = OutageLog(), logging.getLogger("tests.tracing.library")
    library.addFilter(outage)
    inner = Unreachable(library)
    exporter = ReportedExporter(inner, outage)
    batch = cast("Sequence[ReadableSpan]", [None, None])
    for _ in range(2):
        for inner.up in (False, False, False, True, True):
            exporter.export(batch)
    wanted = ["connection refused, retrying", "traces cannot be sent", "traces are sent again; 6 spans were lost"]
    assert [line.message.split(":")[0] for line in caplog.records] == wanted * 2


def test_a_line_outside_of_a_trace_has_no_trace_id() -> None:
    """Only lines of a request or a delivery have one."""
    record = logging.makeLogRecord({})
    assert TraceIds(lambda: "").filter(record)
    assert not hasattr(record, "trace_id")
    TraceIds(lambda: "4bf9").filter(record)
    assert record.__dict__["trace_id"] == "4bf9"
