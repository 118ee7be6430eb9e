"""Spans of a receiver in this process: to which trace each belongs, and what it says."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from receiver import Context, Drop, Handlers
from receiver.cli.traces import TraceIds
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest
from receiver.tracing.notes import trace_id_in
from receiver.tracing.spans import Tracing
from storage import StoreUnavailableError, journal
from tests.support import eventually, running, states

CDR = {"caller": "0541234567", "target": "0500000000", "ivruniqueid": "call-1", "status": "ANSWER", "duration": 12}
IVR = {"METHOD": "GET_IVR_ACTION", "DATA": {"DID": "072", "MENU": "-1", "PREVIOUS_MENU": "-1"}}
FOREIGN = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"traceparent": f"00-{FOREIGN}-00f067aa0ba902b7-01"}


class Recorded:
    """The spans of a receiver; `tracing` is what makes them."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self.tracing = Tracing(provider)

    def spans(self, name: str = "") -> Sequence[ReadableSpan]:
        """All that have ended, or those whose name begins so."""
        return [span for span in self._memory.get_finished_spans() if span.name.startswith(name)]

    def outcomes(self, name: str) -> list[Any]:
        """The outcomes of spans whose names begin so."""
        return [dict(span.attributes or {}).get("receiver.outcome") for span in self.spans(name)]


@pytest.fixture
def recorded() -> Recorded:
    """A receiver's spans, all of them."""
    return Recorded()


def trace_of(span: ReadableSpan) -> str:
    """The id of a span's trace."""
    assert span.context is not None
    return trace.format_trace_id(span.context.trace_id)


async def test_each_of_many_records_at_once_has_a_trace_of_its_own(database_url: str, recorded: Recorded) -> None:
    """Their work is queued, committed in batches and started together, and still belongs to the right request."""
    handlers = Handlers()
    seen: dict[int, str] = {}

    def note(cdr: Cdr, ctx: Context) -> None:
        assert ctx.callback_id is not None
        seen[ctx.callback_id] = recorded.tracing.trace_id()

    handlers.on(Cdr, name="note")(note)
    async with running(database_url, handlers, tracer=recorded.tracing) as receiver:
        posts = (receiver.client.post("/voicenter", json=CDR | {"ivruniqueid": str(one)}) for one in range(40))
        await asyncio.gather(*posts)
        await eventually(lambda: len(recorded.spans("handler")) == 40)
    assert seen == {callback.id: trace_id_in(callback.notes) for callback in receiver.callbacks()}
    assert len(set(seen.values())) == 40
    wanted = Counter(
        f"{name} {one}" for name in ("request CDR", "read", "commit", "handler note") for one in seen.values()
    )
    assert Counter(f"{span.name} {trace_of(span)}" for span in recorded.spans()) == wanted


@pytest.mark.parametrize(("proxies", "is_taken"), [(["127.0.0.1"], True), ([], False)])
async def test_only_a_trusted_proxy_continues_a_trace(
    tmp_path: Path, recorded: Recorded, proxies: list[str], is_taken: bool
) -> None:
    """Anyone else could add spans to a trace of yours."""
    async with running(tmp_path, tracer=recorded.tracing, trusted_proxies=proxies) as receiver:
        await receiver.client.post("/voicenter", json=CDR, headers=SENT)
    [request] = recorded.spans("request")
    assert (trace_of(request) == FOREIGN) is is_taken
    assert trace_id_in(receiver.callbacks()[0].notes) == trace_of(request)
    assert all(name != "traceparent" for name, _ in receiver.callbacks()[0].headers)


async def test_spans_say_how_a_record_ended(tmp_path: Path, recorded: Recorded) -> None:
    """The request and its commit: accepted, repeated or unreadable; the handler: dropped, or failed at last."""
    handlers = Handlers()

    def drops(cdr: Cdr) -> None:
        raise Drop("no customer 0541234567")

    def fails(cdr: Cdr) -> None:
        raise ValueError("no customer 0541234567")

    handlers.on(Cdr, name="drops")(drops)
    handlers.on(Cdr, name="fails", attempts=1)(fails)
    async with running(tmp_path, handlers, tracer=recorded.tracing) as receiver:
        for body in (CDR, CDR):
            await receiver.client.post("/voicenter", json=body)
        await receiver.client.post("/voicenter/cdr", content=b"{", headers={"Content-Type": "application/json"})
        await eventually(lambda: sorted(states(receiver.deliveries(1))) == ["dead", "dropped"])
    assert recorded.outcomes("request") == recorded.outcomes("commit") == ["accepted", "duplicate", "unparsed"]
    [dropped], [failed] = recorded.spans("handler drops"), recorded.spans("handler fails")
    assert (recorded.outcomes("handler drops"), dropped.status.is_unset) == (["dropped"], True)
    assert dict(failed.attributes or {}) == {
        "receiver.provider": "voicenter",
        "receiver.kind": "CDR",
        "receiver.handler": "fails",
        "receiver.callback_id": 1,
        "receiver.delivery_id": 2,
        "receiver.attempt": 1,
        "receiver.outcome": "failed",
        "receiver.state": "dead",
        "error.type": "failed",
    }
    assert "0541234567" not in "".join(span.to_json() for span in recorded.spans())


async def test_the_log_names_the_trace_of_each_line(
    tmp_path: Path, recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a request in its commit, and of an attempt, beside others."""
    caplog.handler.addFilter(TraceIds(recorded.tracing.trace_id))
    handlers = Handlers()

    async def fails(cdr: Cdr) -> None:
        raise ValueError

    handlers.on(Cdr, name="fails", attempts=1)(fails)
    async with running(tmp_path, handlers, tracer=recorded.tracing) as receiver:
        bodies = [b'{"ivruniqueid": "%d"}' % one for one in range(3)] + [b"{%d" % one for one in range(3)]
        kind = {"Content-Type": "application/json"}
        posts = (receiver.client.post("/voicenter/cdr", content=body, headers=kind) for body in bodies)
        await asyncio.gather(*posts)
        await eventually(lambda: len(recorded.spans("handler")) == 3)
        expected = [trace_id_in(callback.notes) for callback in receiver.callbacks()]
    logged = [line.__dict__["trace_id"] for line in caplog.records if line.name.startswith("receiver")]
    assert sorted(logged) == sorted(expected)


async def test_a_list_of_records_is_one_trace(tmp_path: Path, recorded: Recorded) -> None:
    """Each record has its id, and the span says how many there were."""
    body = [CDR | {"ivruniqueid": str(one)} for one in range(3)]
    async with running(tmp_path, tracer=recorded.tracing) as receiver:
        await receiver.client.post("/voicenter/cdr", json=body)
    [request] = recorded.spans("request")
    assert dict(request.attributes or {})["receiver.callbacks"] == 3
    assert {trace_id_in(callback.notes) for callback in receiver.callbacks()} == {trace_of(request)}


@pytest.mark.parametrize("reply", [Hangup(rec="bye"), None])
async def test_an_answer_is_a_span_of_its_question(tmp_path: Path, recorded: Recorded, reply: object) -> None:
    """With the handler and the outcome; a fallback or an error reply counts as an error, with its cause."""
    handlers = Handlers()

    async def menu(step: IvrRequest) -> Any:
        return reply

    handlers.answer(IvrRequest, name="menu")(menu)
    async with running(tmp_path, handlers, tracer=recorded.tracing) as receiver:
        await receiver.client.post("/voicenter", json=IVR)
        await eventually(lambda: len(recorded.spans("commit")) == 1)
    [answer], [request] = recorded.spans("handler menu"), recorded.spans("request GET_IVR_ACTION")
    assert answer.parent is not None
    assert answer.parent == request.context
    expected = ("answered", None) if reply else ("failed", "nonsense")
    values = dict(answer.attributes or {})
    assert (values["receiver.outcome"], values.get("error.type")) == expected
    assert trace_id_in(receiver.callbacks()[0].notes) == trace_of(request)


async def test_a_callback_that_cannot_be_stored_is_an_error(
    tmp_path: Path, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both spans say so, the request with its status."""

    def fails(*_: object, **__: object) -> None:
        raise StoreUnavailableError("disk full")

    async with running(tmp_path, tracer=recorded.tracing) as receiver:
        monkeypatch.setattr(journal, "append", fails)
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 503
    kinds = {span.name: dict(span.attributes or {}).get("error.type") for span in recorded.spans()}
    assert kinds == {"read": None, "commit": "StoreUnavailableError", "request CDR": "503"}


async def test_what_is_not_sampled_still_has_an_id(tmp_path: Path, recorded: Recorded) -> None:
    """So the log and the journal are complete; the attempts follow the decision, which came with the request."""
    handlers = Handlers()
    seen: list[str] = []
    handlers.on(Cdr, name="note")(lambda cdr: seen.append(recorded.tracing.trace_id()))
    async with running(tmp_path, handlers, tracer=recorded.tracing, trusted_proxies=["127.0.0.1"]) as receiver:
        await receiver.client.post("/voicenter", json=CDR, headers={"traceparent": SENT["traceparent"][:-2] + "00"})
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert recorded.spans() == []
    assert [trace_id_in(callback.notes) for callback in receiver.callbacks()] == seen == [FOREIGN]


async def test_a_disabled_sdk_leaves_callbacks_as_without_tracing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OTEL_SDK_DISABLED is the standard switch."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    recorded = Recorded()
    async with running(tmp_path, tracer=recorded.tracing) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 200
    assert (receiver.callbacks()[0].notes, recorded.spans()) == ((), [])


async def test_a_callback_from_before_tracing_gets_a_trace_for_each_attempt(tmp_path: Path, recorded: Recorded) -> None:
    """Its handler's span belongs to no other callback's trace."""
    handlers = Handlers()
    handlers.on(Cdr, name="note")(lambda cdr: None)
    async with running(tmp_path, handlers) as receiver:
        receiver.client.headers["traceparent"] = SENT["traceparent"]
        await receiver.client.post("/voicenter", json=CDR)
        await eventually(lambda: states(receiver.deliveries(1)) == ["done"])
    assert receiver.callbacks()[0].notes == ()
    with receiver.database() as database, database.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'due', due_at = 0")
    async with running(tmp_path, handlers, tracer=recorded.tracing):
        await eventually(lambda: len(recorded.spans()) == 1)
    [attempt] = recorded.spans("handler note")
    assert attempt.parent is None
