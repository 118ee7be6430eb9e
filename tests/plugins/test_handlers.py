"""Registration of handlers: which function gets which events."""

import textwrap
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from types import FunctionType
from typing import Any

import pytest

from receiver import CallHistory, CallRecord, Context, Handlers, Outcome, RetryLater
from receiver.errors import HandlerError
from receiver.providers.voicenter import Cdr, Hangup, IvrRequest, Menu
from receiver.testing import answer, deliver


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        ({}, True),
        ({"did": "072"}, True),
        ({"did": "073"}, False),
        ({"did": ["071", "072"]}, True),
        ({"did": {"071"}}, False),
        ({"did": lambda did: did.startswith("07")}, True),
        ({"did": "072", "dtmf": "1"}, False),
        ({"is_first": True}, True),
    ],
)
def test_every_filter_must_match(filters: dict[str, Any], matches: bool) -> None:
    """A filter is a value, a collection of values or a function; fields and derived properties can be filtered."""
    handlers = Handlers()

    @handlers.answer(IvrRequest, **filters)
    def hang_up(step: IvrRequest) -> Hangup:
        return Hangup()

    [handler] = handlers
    assert handler.matches(IvrRequest(did="072", menu="-1", previous_menu="-1")) is matches


def test_outcomes_can_be_filtered_by_their_values() -> None:
    """`outcome="answered"` and `outcome=Outcome.ANSWERED` are the same."""
    handlers = Handlers()
    handlers.on(CallRecord, outcome="answered")(lambda record: None)
    [handler] = handlers
    assert handler.matches(CallRecord(provider="x", outcome=Outcome.ANSWERED, event=Cdr()))
    assert not handler.matches(CallRecord(provider="x", outcome=Outcome.BUSY, event=Cdr()))


def test_a_filter_on_an_unknown_field_is_rejected_where_it_is_written() -> None:
    """The message names the fields that exist."""
    with pytest.raises(HandlerError, match=r"no field 'dnis'.*caller_id"):
        Handlers().answer(IvrRequest, dnis="072")(lambda step: Hangup())


@pytest.mark.parametrize("function", [lambda: None, lambda a, b, c: None, lambda a, *, b: None])
def test_a_function_that_cannot_be_called_with_its_event_is_rejected(function: Callable[..., None]) -> None:
    """A handler takes its event and optionally a context."""
    with pytest.raises(HandlerError, match="a handler takes its event"):
        Handlers().on(Cdr)(function)


def test_the_decorator_returns_the_function() -> None:
    """The function can be called and tested directly."""
    handlers = Handlers()

    @handlers.on(Cdr)
    def note(cdr: Cdr) -> str:
        return cdr.caller

    assert note(Cdr(caller="054")) == "054"


def test_the_first_handler_whose_filters_match_answers() -> None:
    """Handlers are asked in the order in which they are written."""
    handlers = Handlers()
    handlers.answer(IvrRequest, did="072")(lambda step: Menu(menu="sales", rec="hi", size=1))
    handlers.answer(IvrRequest)(lambda step: Hangup())
    assert isinstance(answer(handlers, IvrRequest(did="072")), Menu)
    assert isinstance(answer(handlers, IvrRequest(did="073")), Hangup)


def test_every_matching_listener_runs() -> None:
    """Any number of handlers may listen: plain and async ones, with and without a context."""
    handlers, received = Handlers(), []

    @handlers.on(Cdr, name="plain")
    def plain(cdr: Cdr) -> None:
        received.append(("plain", cdr.caller))

    @handlers.on(Cdr, name="with context")
    async def with_context(cdr: Cdr, context: Context) -> None:
        received.append(("with context", context.settings["greeting"]))

    @handlers.on(Cdr, name="other", did="099")
    def other(cdr: Cdr) -> None:
        received.append(("other", ""))

    assert deliver(handlers, Cdr(caller="054"), {"greeting": "shalom"}) == ["plain", "with context"]
    assert received == [("plain", "054"), ("with context", "shalom")]


def test_retry_later_takes_seconds_or_a_timedelta() -> None:
    """Both mean the same pause."""
    assert RetryLater(after=90).after == RetryLater(after=timedelta(minutes=1.5)).after == 90.0
    assert RetryLater("busy").after is None


def test_no_handler_for_a_question_is_an_error_in_tests() -> None:
    """A test without the handler must not pass."""
    with pytest.raises(HandlerError, match="no handler answers"):
        answer(Handlers(), IvrRequest())


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {}, True),
        ({"did": "1"}, {"did": "2"}, False),
        ({"did": "1"}, {"did": ["1", "2"]}, True),
        ({"did": "1"}, {"dtmf": "2"}, True),
        ({"did": "1"}, {"did": lambda did: False}, True),
        ({"did": "1", "dtmf": "1"}, {"did": "1", "dtmf": "2"}, False),
    ],
)
def test_two_filters_overlap_unless_a_field_excludes_it(
    one: dict[str, Any], other: dict[str, Any], overlap: bool
) -> None:
    """Functions cannot be compared, so they never exclude an overlap."""
    handlers = Handlers()
    handlers.answer(IvrRequest, name="one", **one)(lambda step: Hangup())
    handlers.answer(IvrRequest, name="other", **other)(lambda step: Hangup())
    first, second = handlers
    assert first.could_match_with(second) is overlap


@pytest.mark.parametrize("after", [-1, float("inf"), float("nan"), "5", 10**9])
def test_an_invalid_retry_time_is_rejected_where_it_is_written(after: Any) -> None:
    """The handler fails with a clear error; its delivery is retried with the usual back-off."""
    with pytest.raises(ValueError, match="seconds from 0"):
        RetryLater(after=after)


def test_a_test_finds_a_state_that_the_journal_would_not_take() -> None:
    """Before a caller does: the log of a running receiver would be the first to say so."""
    handlers = Handlers()

    @handlers.answer(IvrRequest, history=True)
    def keeps(step: IvrRequest, ctx: Context) -> Hangup:
        ctx.call.state["tries"] = {1, 2}
        return Hangup()

    with pytest.raises(HandlerError, match="JSON values alone"):
        answer(handlers, IvrRequest())


def test_listeners_in_a_test_get_a_state_that_is_not_theirs_to_change() -> None:
    """As in a running receiver, where only handlers that answer keep a state."""
    handlers, known = Handlers(), CallHistory(state={"menu": ["main"]})

    @handlers.on(Cdr, history=True, name="changes")
    def changes(cdr: Cdr, ctx: Context) -> None:
        ctx.call.state["menu"].append("sales")

    assert deliver(handlers, Cdr(), history=known) == ["changes"]
    assert known.state == {"menu": ["main"]}


def test_a_handler_says_where_its_function_stands() -> None:
    """Also one that is wrapped or partly filled in."""
    handlers = Handlers()

    @handlers.on(Cdr, name="plain")
    def plain(cdr: Cdr) -> None: ...

    handlers.on(Cdr, name="partial")(partial(plain))
    handlers.on(Cdr, name="wrapped")(wraps(plain)(lambda cdr: None))
    assert {handler.source for handler in handlers} == {(__file__, plain.__code__.co_firstlineno)}


def test_a_function_that_a_library_made_stands_in_the_file_it_was_made_for() -> None:
    """Such as that of a flow: its author looks for it in the module that has the flow."""
    handlers = Handlers()
    handlers.on(Cdr, name="made")(FunctionType(textwrap.dedent.__code__, globals(), "made"))
    [handler] = handlers
    assert handler.source == (__file__, 0)
