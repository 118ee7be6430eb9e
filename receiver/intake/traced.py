"""The journal and the responder with spans. They take the place of the plain ones if tracing is on."""

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from receiver.intake.responder import Answer, Responder
from receiver.providers.base.contract import CallbackRequest, Kind, ParsedRequest, Provider
from receiver.providers.base.event import Event
from storage import Appended, GroupCommit, NewCallback, StoreError
from storage.group_commit import OnResult

if TYPE_CHECKING:
    from receiver.tracing.spans import OpenSpan, Tracing

Parse = Callable[[Provider[Any], CallbackRequest], ParsedRequest]


def traced_parse(parse: Parse, tracing: "Tracing") -> Parse:
    """The function with a span `read` around it."""

    def traced(provider: Provider[Any], request: CallbackRequest) -> ParsedRequest:
        with tracing.span("read", provider=provider.name):
            return parse(provider, request)

    return traced


def in_this_trace(work: Callable[[], None]) -> Callable[[], None]:
    """The work of a record, in the trace of its request whenever it runs."""
    return partial(copy_context().run, work)


class TracedJournal(GroupCommit[NewCallback, Appended]):
    """Makes a span `commit` of each wait for a commit. It is created like `GroupCommit`, with `tracing` first."""

    def __init__(self, tracing: "Tracing", *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._tracing = tracing

    def submit(self, news: Sequence[NewCallback], on_result: OnResult[Appended], *, beyond: int = 0) -> None:
        """As `GroupCommit.submit`. `on_result` is called in the trace of the request that submitted."""
        first, request = news[0], self._tracing.current()
        kind = first.kind or "unknown"
        request.rename(f"request {kind}")
        request.note(kind=kind, outcome=first.outcome)
        commit = self._tracing.begin("commit", provider=first.provider, kind=kind, outcome=first.outcome)
        end = partial(_end, (commit, request), news)
        try:
            super().submit(news, partial(_on_result, copy_context(), end, on_result), beyond=beyond)
        except StoreError as error:
            end(error)
            raise


def _on_result(
    submitter: Context,
    end: OnResult[Appended],
    on_result: OnResult[Appended],
    results: list[Appended] | StoreError,
) -> None:
    end(results)
    submitter.run(on_result, results)


def _end(spans: Sequence["OpenSpan"], news: Sequence[NewCallback], results: list[Appended] | StoreError) -> None:
    """End the span of a commit, and add its results to that of the request, which a question has ended already."""
    commit = spans[0]
    if isinstance(results, StoreError):
        commit.failed(type(results).__name__)
    else:
        for span in spans:
            span.note(**_found(news, results))
    commit.end()


def _found(news: Sequence[NewCallback], results: Sequence[Appended]) -> dict[str, str | int | None]:
    """The attributes that are known after the commit: of a list of records, those of the first."""
    first = results[0]
    is_repeat = first.duplicate_of and news[0].outcome == "accepted"
    return {
        "callback_id": first.id or None,
        "callbacks": len(results) if len(results) > 1 else None,
        "outcome": "duplicate" if is_repeat else None,
        "spooled": None if first.id else True,
    }


class TracedResponder(Responder):
    """Makes a span of each answer. It is created like `Responder`, with `tracing` first."""

    def __init__(self, tracing: "Tracing", *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._tracing = tracing

    async def answer(
        self, provider: Provider[Any], kind: Kind, event: Event, received_at: datetime, *, before: int | None = None
    ) -> Answer:
        """As `Responder.answer`."""
        with self._tracing.span("handler", provider=provider.name, kind=kind.name) as span:
            answer = await super().answer(provider, kind, event, received_at, before=before)
            if answer.handler:
                span.rename(f"handler {answer.handler}")
            span.note(handler=answer.handler, outcome=answer.outcome)
            if answer.cause:
                span.failed(answer.cause.value)
        return answer
