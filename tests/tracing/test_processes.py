"""Traces of real receivers, as a real collector gets them by OTLP over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving
from tests.tracing.collector import Collector, Span, collecting

HANDLERS = """
import logging
import sys
from pathlib import Path

from opentelemetry import trace

from receiver import Context, Handlers, RetryLater
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest

handlers = Handlers()


@handlers.on(Cdr, name="crm", attempts=2)
def crm(cdr: Cdr, ctx: Context) -> None:
    with trace.get_tracer("mine").start_as_current_span("look up"):
        ctx.log.info("looked up")
    if ctx.attempt == 1:
        raise RetryLater(f"no answer for {cdr.caller}", after=0)


@handlers.answer(IvrRequest, name="menu")
async def menu(step: IvrRequest, ctx: Context) -> Hangup:
    ctx.log.info("asked")
    return Hangup(rec="goodbye")
"""
WITHOUT_TRACING = """
import sys
from pathlib import Path

from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers()


@handlers.on(Cdr)
def imported(cdr: Cdr) -> None:
    found = [name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "google", "requests")]
    Path("imported.part").write_text("\\n".join(["done", *found]))
    Path("imported.part").rename("imported.txt")
"""
CDR = {"caller": "0541234567", "target": "0500000000", "ivruniqueid": "call-1", "status": "ANSWER", "duration": 12}
IVR = {"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "0721112222", "MENU": "-1", "PREVIOUS_MENU": "-1"}}
PROXY_TRACE, PROXY_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {
    "RECEIVER_TRACING": "true",
    "RECEIVER_HANDLERS": "traced",
    "RECEIVER_LOG_FORMAT": "json",
    "RECEIVER_RETRY_FIRST_PAUSE": "0",
    "RECEIVER_RETRY_LONGEST_PAUSE": "0",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that listens."""
    with collecting() as started:
        yield started


def named(spans: list[Span], name: str) -> list[Span]:
    """The spans of that name, in the order in which they arrived."""
    return [span for span in spans if span.name == name]


def log_of(receiver: Receiver, message: str) -> list[dict[str, object]]:
    """The JSON lines of a log with that message."""
    lines = [json.loads(line) for line in receiver.output if line.startswith("{")]
    return [line for line in lines if line["message"] == message]


def test_a_callback_is_one_trace_from_the_proxy_to_its_last_attempt(tmp_path: Path, collector: Collector) -> None:
    """Its id is in the log and on the callback, and nothing that is sent holds a phone number."""
    (tmp_path / "traced.py").write_text(HANDLERS)
    settings = {**TRACED, "RECEIVER_TRUSTED_PROXIES": "127.0.0.1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with serving(tmp_path, **settings) as receiver:
        sent = {"traceparent": f"00-{PROXY_TRACE}-{PROXY_SPAN}-01", "X-Forwarded-For": "203.0.113.7"}
        assert httpx.post(f"{receiver.url}/voicenter", json=CDR, headers=sent).status_code == 200
        spans = collector.wait_until(lambda: len(named(collector.spans, "handler crm")) == 2)
        assert httpx.post(f"{receiver.url}/voicenter", json=IVR).json()["ACTION"] == "HANGUP"
        asked = collector.wait_until(lambda: len(named(collector.spans, "commit")) == 2)[len(spans) :]
        receiver.wait_for("asked")
        receiver.stop()
        assert {line["trace_id"] for line in log_of(receiver, "looked up")} == {PROXY_TRACE}
        [request] = named(asked, "request GET_IVR_ACTION")
        assert [line["trace_id"] for line in log_of(receiver, "asked")] == [request.trace_id]
    assert {span.trace_id for span in spans} == {PROXY_TRACE}
    assert {span.service for span in spans} == {"callback-receiver"}
    [received] = named(spans, "request CDR")
    assert (received.kind, received.parent, received.is_error) == ("SERVER", PROXY_SPAN, False)
    assert received.attributes == {
        "http.request.method": "POST",
        "http.route": "/voicenter",
        "http.response.status_code": 200,
        "receiver.provider": "voicenter",
        "receiver.kind": "CDR",
        "receiver.outcome": "accepted",
        "receiver.callback_id": 1,
    }
    first, second = named(spans, "handler crm")
    inside = [span for name in ("read", "commit") for span in named(spans, name)]
    assert [span.parent for span in (*inside, first, second)] == [received.span_id] * 4
    assert [(span.attributes["receiver.outcome"], span.is_error) for span in (first, second)] == [
        ("retry", True),
        ("done", False),
    ]
    assert [span.parent for span in named(spans, "look up")] == [first.span_id, second.span_id]
    assert [span.parent for span in named(asked, "handler menu")] == [request.span_id]
    sent_out = b"".join(collector.bodies)
    assert not [number for number in ("0541234567", "541234567", "0721112222") if number.encode() in sent_out]
    shown = json.loads(run(tmp_path, "callbacks", "show", "1", "--json").stdout)
    assert (shown["trace_id"], shown["notes"]) == (PROXY_TRACE, [])


def test_a_worker_on_another_machine_continues_the_trace(
    tmp_path: Path, postgres_url: str, collector: Collector
) -> None:
    """The trace comes with the callback from the journal."""
    (tmp_path / "traced.py").write_text(HANDLERS)
    settings = {
        **TRACED,
        "RECEIVER_DATABASE_URL": postgres_url,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
    }
    with serving(tmp_path, "--no-deliveries", **settings, OTEL_SERVICE_NAME="web") as receiver:
        assert httpx.post(f"{receiver.url}/voicenter", json=CDR).status_code == 200
        [request] = named(collector.wait_for("request CDR", "commit"), "request CDR")
        with serving(tmp_path, options=("work",), **settings, OTEL_SERVICE_NAME="work") as worker:
            collector.wait_until(lambda: len(named(collector.spans, "handler crm")) == 2)
            worker.wait_for("looked up")
    attempts = named(collector.spans, "handler crm")
    assert {(span.trace_id, span.parent, span.kind) for span in attempts} == {
        (request.trace_id, request.span_id, "CONSUMER")
    }
    assert (request.service, attempts[0].service) == ("web", "work")
    assert {line["trace_id"] for line in log_of(worker, "looked up")} == {request.trace_id}


def test_without_the_setting_nothing_of_opentelemetry_is_imported(tmp_path: Path, collector: Collector) -> None:
    """Whatever the environment says: the receiver is as fast as without the extra."""
    (tmp_path / "untraced.py").write_text(WITHOUT_TRACING)
    settings = {"RECEIVER_HANDLERS": "untraced", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with serving(tmp_path, **settings) as receiver:
        assert httpx.post(f"{receiver.url}/voicenter", json=CDR).status_code == 200
        collector.wait_until((tmp_path / "imported.txt").exists)
    assert (tmp_path / "imported.txt").read_text() == "done"
    assert collector.bodies == []
