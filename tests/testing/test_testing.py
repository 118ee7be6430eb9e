"""The functions with which authors test their handlers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handlers import demo
from receiver import CallHistory, CallRecord, Context, Drop, Handlers, Outcome, RetryLater
from receiver.delivery.retry_policy import RetryPolicy
from receiver.errors import HandlerError
from receiver.providers.base.discovery import discover
from receiver.providers.base.event import Event
from receiver.providers.voicenter import Call, Cdr, Hangup, IvrRequest, LayerInput, Menu, PopupRequest
from receiver.testing import answer, call, deliver, deliver_until_finished, make

EVENTS = [kind.event for provider in discover().values() for kind in provider.kinds]
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


# --- make -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event_type", EVENTS)
def test_every_event_can_be_made(event_type: type[Event]) -> None:
    """Each provider has an example of each of its events, with a call id that is new each time."""
    one, other = make(event_type), make(event_type)
    assert one.call_id != other.call_id != ""
    assert one.unread == ()


def test_made_events_take_fields_by_their_python_names() -> None:
    """Given fields override those of the example."""
    assert make(Cdr, caller="0540000001", duration=3).caller == "0540000001"
    assert make(IvrRequest, dtmf="1").dtmf == "1"
    with pytest.raises(ValueError, match="colour"):
        make(Cdr, colour="red")


def test_a_call_record_can_be_made() -> None:
    """It is that of an incoming call, with its event."""
    record = make(CallRecord, outcome=Outcome.BUSY)
    assert (record.outcome, record.customer) == (Outcome.BUSY, "0523574321")
    assert isinstance(record.event, Cdr)


def test_what_no_provider_has_cannot_be_made() -> None:
    """The message says what to do."""

    class Other(Event):
        kind = "OTHER"

    with pytest.raises(HandlerError, match="constructor"):
        make(Other)


# --- call -------------------------------------------------------------------------------------------------------------


def test_a_whole_call_in_one_line() -> None:
    """Keys, the reply as it was returned, and its effects."""
    played = call(demo.handlers, did="0730000000", caller="0540000000").press("1")
    played.expect(Call(target="0540000000", caller_id="0540000000", max_dial=30, max_duration=3600))
    assert played.state == "dialing"
    assert played.callee("busy").handled == ["handlers.demo.print_call"] * 2
    assert played.state == "ended"


def test_an_unexpected_reply_shows_both() -> None:
    """An assertion of pytest's kind."""
    with pytest.raises(AssertionError, match=r"Hangup.*\n.*Menu"):
        call(demo.handlers).expect(Hangup())


def test_a_key_without_effect_fails() -> None:
    """While it rings, keys have no effect."""
    with pytest.raises(AssertionError, match="had no effect"):
        call(demo.handlers).press("11")


def test_silence_and_hanging_up() -> None:
    """Silence in the demo's menu ends the call; a caller may also hang up in it."""
    assert isinstance(call(demo.handlers).wait().reply, Hangup)
    assert call(demo.handlers).hang_up().state == "ended"


def test_other_calls_are_played_alike() -> None:
    """Layers, the pop-up, and another provider's calls."""
    assert call(demo.handlers, "layer", options={"layer": "8"}).press("1").position == "22"
    assert call(demo.handlers, "popup", caller="0722776772").state == "ended"
    spokn = call(demo.handlers, provider="spokn").callee("answered").callee("answered").hang_up()
    assert spokn.handled == ["handlers.demo.print_call"] * 2


def test_a_handler_that_raises_makes_the_test_raise() -> None:
    """The traceback leads to the author's line."""
    handlers = Handlers()

    @handlers.answer(IvrRequest)
    def broken(step: IvrRequest) -> Menu:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        call(handlers)


def test_the_http_client_that_is_given_serves_every_step() -> None:
    """A call has several questions; the client stays open between them."""
    handlers = Handlers()

    @handlers.answer(IvrRequest)
    async def ask(step: IvrRequest, ctx: Context) -> Menu:
        name = (await ctx.http.get("https://crm.example.com/")).text
        return Menu(menu=name, rec=str(ctx.settings["rec"]), size=1)

    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, text="crm")))
    played = call(handlers, http=http, settings={"rec": "hello"}).press("1").press("2")
    assert played.reply == Menu(menu="crm", rec="hello", size=1)


# --- deliver_until_finished -------------------------------------------------------------------------------------------


def _failing(times: int, error: Exception, **options: Any) -> Handlers:
    handlers = Handlers()
    left = [error] * times

    @handlers.on(CallRecord, name="crm", **options)
    def crm(record: CallRecord, ctx: Context) -> None:
        if left:
            raise left.pop()

    return handlers


def test_retries_are_made_on_a_clock_that_takes_no_time() -> None:
    """The pauses are those of the policy: 5, 15, 45 seconds."""
    handlers = _failing(3, ValueError("down"))
    [done] = deliver_until_finished(handlers, make(CallRecord), received_at=NOON)
    seconds = [(attempt.at - NOON).total_seconds() for attempt in done.attempts]
    assert (done.handler, done.state, seconds) == ("crm", "done", [0, 5, 20, 65])
    assert [attempt.error for attempt in done.attempts] == ["ValueError: down"] * 3 + [""]


def test_a_handlers_own_pause_counts() -> None:
    """RetryLater(after=…) moves the clock by what it asks for."""
    [done] = deliver_until_finished(_failing(1, RetryLater("later", after=600)), make(CallRecord), received_at=NOON)
    assert (done.attempts[1].at - NOON).total_seconds() == 600


def test_a_delivery_ends_dead_or_dropped() -> None:
    """After the last attempt, by the handler's own limit or the policy's; or when the handler says so."""
    record = make(CallRecord)
    assert deliver_until_finished(_failing(9, ValueError("x"), attempts=2), record)[0].state == "dead"
    short = RetryPolicy(attempts=3)
    assert len(deliver_until_finished(_failing(9, ValueError("x")), record, policy=short)[0].attempts) == 3
    assert deliver_until_finished(_failing(9, Drop("never")), record)[0].state == "dropped"


def test_handlers_that_do_not_listen_are_left_out() -> None:
    """Filters count, and answering handlers are none of it."""
    assert deliver_until_finished(demo.handlers, make(IvrRequest)) == []
    assert [one.handler for one in deliver_until_finished(demo.handlers, make(CallRecord))] == [
        "handlers.demo.print_call"
    ]


def test_a_handler_with_history_gets_an_empty_one() -> None:
    """The same as for `answer` and `deliver`."""
    handlers, seen = Handlers(), []

    @handlers.on(CallRecord, name="crm", history=True)
    def crm(record: CallRecord, ctx: Context) -> None:
        seen.append(ctx.call.steps)

    assert deliver_until_finished(handlers, make(CallRecord))[0].state == "done"
    assert seen == [()]


def test_answer_and_make_fit_together() -> None:
    """The three lines that the docs promise."""
    assert isinstance(answer(demo.handlers, make(IvrRequest)), Menu)
    assert answer(demo.handlers, make(LayerInput, dtmf="1")).layer == 22
    assert answer(demo.handlers, make(PopupRequest, phone="0722776772")).client_name == "John Doe"


# --- the history of a call --------------------------------------------------------------------------------------------


def test_a_played_call_has_its_history() -> None:
    """Each handler that asks finds the steps so far and the state that was left, as in a running receiver."""
    handlers, seen = Handlers(), list[tuple[int, int]]()

    @handlers.answer(IvrRequest, history=True)
    def menu(step: IvrRequest, ctx: Context) -> Menu:
        ctx.call.state["asked"] = ctx.call.state.get("asked", 0) + 1
        return Menu(menu=f"menu {ctx.call.state['asked']}", rec="hi", size=1)

    @handlers.on(CallRecord, history=True)
    def note(record: CallRecord, ctx: Context) -> None:
        seen.append((len(ctx.call.steps), ctx.call.state["asked"]))
        ctx.call.state["asked"] = 0

    played = call(handlers).press("1").press("2").expect(Menu(menu="menu 3", rec="hi", size=1))
    assert [step.reply["DATA"]["MENU"] for step in played.history.steps] == ["menu 1", "menu 2", "menu 3"]
    played.hang_up()
    assert seen[0] == (3, 3)
    assert {asked for _, asked in seen} == {3}


def test_retries_find_the_history_of_the_call() -> None:
    """Each attempt gets the same one; a handler that does not ask gets none."""
    handlers, seen = Handlers(), list[object]()

    @handlers.on(Cdr, history=True, attempts=2, name="asks")
    def asks(cdr: Cdr, ctx: Context) -> None:
        seen.append(dict(ctx.call.state))
        ctx.call.state["mine"] = True
        raise ValueError("again")

    @handlers.on(Cdr, name="does not")
    def does_not(cdr: Cdr, ctx: Context) -> None:
        seen.append(ctx.history)

    deliver_until_finished(handlers, make(Cdr), history=CallHistory(state={"asked": 1}))
    assert seen == [{"asked": 1}, {"asked": 1}, None]


def test_handlers_are_given_the_time_that_a_test_chooses() -> None:
    """One question, one event, and a call whose clock goes on while the caller waits."""
    handlers = Handlers()
    seen: list[datetime] = []

    @handlers.answer(IvrRequest)
    def question(step: IvrRequest, ctx: Context) -> Menu:
        seen.append(ctx.received_at)
        return Menu(menu="main", rec="welcome", size=1)

    @handlers.on(Cdr)
    def report(cdr: Cdr, ctx: Context) -> None:
        seen.append(ctx.received_at)

    answer(handlers, make(IvrRequest), received_at=NOON)
    deliver(handlers, make(Cdr), received_at=NOON)
    assert seen == [NOON, NOON]
    call(handlers, starts_at=NOON).wait().hang_up()
    assert seen[2:] == [NOON, NOON + timedelta(seconds=8), NOON + timedelta(seconds=8)]
