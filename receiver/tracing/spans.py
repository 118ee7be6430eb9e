"""The spans of the receiver's work. Their attributes are names and ids, never phone numbers, bodies or error texts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from receiver.tracing.notes import trace_note, traceparent_in

Value = str | int | bool

CLOSE_SECONDS = 5.0
"""How long closing waits for the spans that are not sent yet."""


class OpenSpan:
    """A span that is in progress. After its end all methods do nothing."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Give the span its name, now that it is known."""
        if self._span.is_recording():
            self._span.update_name(name)

    def note(self, **values: Value | None) -> None:
        """Add attributes, each under its name with `receiver.` before it; None adds nothing."""
        if self._span.is_recording():
            self._span.set_attributes(_named(values))

    def replied(self, status: int) -> None:
        """Add the status of the HTTP reply; 500 and above count as an error."""
        if self._span.is_recording():
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500:
                self.failed(str(status))

    def failed(self, error: str) -> None:
        """Mark the span as an error of this type: a word, never the text of an exception."""
        if self._span.is_recording():
            self._span.set_status(Status(StatusCode.ERROR))
            self._span.set_attribute("error.type", error)

    def end(self) -> None:
        """End the span."""
        self._span.end()


class Tracing:
    """Makes spans. `provider` decides where they go."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("receiver")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, route: str, headers: Mapping[str, str], provider: str) -> Iterator[OpenSpan]:
        """The span of a request. `headers` may have the `traceparent` and `tracestate` of a trusted proxy."""
        values = {"http.request.method": method, "http.route": route, **_named({"provider": provider})}
        parent = self._propagator.extract(headers, Context())
        with self._current("request", SpanKind.SERVER, values, parent) as span:
            yield span

    @contextmanager
    def span(self, name: str, **values: Value | None) -> Iterator[OpenSpan]:
        """A part of what is in progress, with attributes as `OpenSpan.note` takes them.

        Where that is not sampled, its parts need no spans of their own, here and in `begin`.
        """
        whole = trace.get_current_span()
        if not whole.is_recording():
            yield OpenSpan(whole)
            return
        with self._current(name, SpanKind.INTERNAL, _named(values)) as span:
            yield span

    @contextmanager
    def attempt(self, notes: Sequence[str], handler: str, **values: Value | None) -> Iterator[OpenSpan]:
        """The span of an attempt at a delivery, in the trace that the notes of its callback name, else in a new one."""
        parent = self._propagator.extract({"traceparent": traceparent_in(notes)}, Context())
        context.attach(parent)  # for the rest of the task: recording the result belongs to the trace too
        attributes = _named({"handler": handler, **values})
        with self._current(f"handler {handler}", SpanKind.CONSUMER, attributes) as span:
            yield span

    def begin(self, name: str, **values: Value | None) -> OpenSpan:
        """A part of what is in progress that ends elsewhere, by `OpenSpan.end`."""
        whole = trace.get_current_span()
        if not whole.is_recording():
            return OpenSpan(whole)
        return OpenSpan(self._tracer.start_span(name, attributes=_named(values)))

    def current(self) -> OpenSpan:
        """The span in progress."""
        return OpenSpan(trace.get_current_span())

    def notes(self) -> tuple[str, ...]:
        """The note for a callback that names the span in progress; none if the SDK is disabled."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return (trace_note(carrier["traceparent"]),) if carrier else ()

    @staticmethod
    def trace_id() -> str:
        """The id of the trace in progress, 32 hexadecimal digits; empty if there is none."""
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.is_valid else ""

    def make_global(self) -> None:
        """Let the spans that handlers and their libraries make go the same way."""
        trace.set_tracer_provider(self._provider)

    def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Send what is not sent yet, for at most so many seconds; whether that was enough."""
        closing = Thread(target=self._provider.shutdown, name="close-tracing", daemon=True)
        closing.start()
        closing.join(seconds)
        return not closing.is_alive()

    @contextmanager
    def _current(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Value], parent: Context | None = None
    ) -> Iterator[OpenSpan]:
        """A span that is in progress inside the block. Exceptions are not recorded: their texts may hold numbers."""
        span = self._tracer.start_span(name, parent, kind, attributes)
        token = context.attach(trace.set_span_in_context(span))
        try:
            yield OpenSpan(span)
        finally:
            context.detach(token)
            span.end()


def _named(values: Mapping[str, Value | None]) -> dict[str, Value]:
    return {f"receiver.{name}": value for name, value in values.items() if value is not None}
