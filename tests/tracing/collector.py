"""A collector of traces: a server that takes what OpenTelemetry sends by OTLP over HTTP, and keeps the spans."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue


@dataclass(frozen=True, slots=True)
class Span:
    """A span that arrived; ids in hexadecimal digits, `parent` is empty for the first of a trace."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, Any]
    is_error: bool


class Collector:
    """What arrived at a collector's address."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.bodies: list[bytes] = []
        """The requests as they were sent."""
        self.url = ""

    def take(self, body: bytes) -> None:
        """Decode one request."""
        self.bodies.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(group.resource.attributes)
            self.spans += [_span(span, resource) for scope in group.scope_spans for span in scope.spans]

    def wait_for(self, *names: str) -> list[Span]:
        """All spans, in the order in which they began, once there is one of each of these names for ten seconds."""
        return self.wait_until(lambda: set(names) <= {span.name for span in self.spans})

    def wait_until(self, holds: Callable[[], bool]) -> list[Span]:
        """All spans, once that holds, at most ten seconds later."""
        deadline = time.monotonic() + 10
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert holds(), [span.name for span in self.spans]
        return list(self.spans)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on a free port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_known = (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            if is_known:
                collector.take(body)
            reply = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _span(span: Any, resource: dict[str, Any]) -> Span:
    kind = type(span).SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    is_error = span.status.code == type(span.status).STATUS_CODE_ERROR
    return Span(resource["service.name"], span.name, kind, *ids, _values(span.attributes), is_error)


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    return getattr(value, str(value.WhichOneof("value")))
