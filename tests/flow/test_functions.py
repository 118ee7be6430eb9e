"""Functions of the author's in a flow, and flows inside of the author's functions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from receiver.errors import HandlerError
from receiver.flow import AGAIN, Caller, Flow
from receiver.flow.flow import run_plain
from receiver.providers.voicenter import Call, Hangup, IvrRequest, Menu
from tests.flow.support import SUNDAY_NOON, Phone


def flow_with(function: Any, **options: Any) -> Flow:
    """A menu whose key 1 leads to a node of this function."""
    flow = Flow("office", start="main", **options)
    flow.menu("main", "welcome", {"1": "decide"})
    flow.function("decide", function, to=["main", "goodbye"])
    flow.end("goodbye", "goodbye")
    return flow


def decided(function: Any) -> Any:
    """What a caller hears after the function."""
    phone = Phone(flow_with(function))
    phone.start()
    return phone.press("1")


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("goodbye", Hangup(rec="goodbye")),
        (Call(target="054", max_dial=1, max_duration=2), Call(target="054", max_dial=1, max_duration=2)),
    ],
)
def test_a_function_decides_by_its_return_value(goal: Any, expected: Any) -> None:
    """The name of a node, or a reply that is sent unchanged."""
    assert decided(lambda caller: goal) == expected


@pytest.mark.parametrize("wrong", [None, 7, True, ["main"]])
def test_a_function_that_returns_something_else_is_an_error(wrong: object) -> None:
    """The message names flow and function, and what it must return."""

    def decide(caller: Caller) -> Any:
        return wrong

    with pytest.raises(HandlerError, match=r"flow office: decide\(\) returned \w+; it must return the name of a node"):
        decided(decide)


def test_a_function_knows_who_calls_and_what_was_pressed() -> None:
    """With the event, the context and the settings for all else."""
    seen: list[Caller] = []

    def look(caller: Caller) -> str:
        seen.append(replace(caller))
        return "goodbye"

    phone = Phone(flow_with(look), settings={"crm": "x"})
    phone.start()
    phone.press("1")
    [caller] = seen
    assert (caller.number, caller.did, caller.digits, caller.pressed_at) == ("0541111111", "0730000000", "1", "main")
    assert (caller.node, caller.now, caller.settings) == ("decide", SUNDAY_NOON, {"crm": "x"})
    assert isinstance(caller.event, IvrRequest)
    assert caller.context.received_at == SUNDAY_NOON


def test_a_function_can_hold_a_dialogue_of_its_own() -> None:
    """Its menu has its node's name: it is called again with what was pressed there."""

    def guess(caller: Caller) -> Any:
        if caller.pressed_at != caller.node:
            return Menu(menu="decide", rec="guess", size=2)
        return "goodbye" if caller.digits == "42" else Menu(menu="decide", rec="no", size=2)

    phone = Phone(flow_with(guess))
    phone.start()
    assert phone.press("1") == Menu(menu="decide", rec="guess", size=2)
    assert phone.press("41") == Menu(menu="decide", rec="no", size=2)
    assert phone.kept["node"] == "decide"
    assert phone.press("42") == Hangup(rec="goodbye")


def test_a_reply_with_a_menu_of_the_flow_goes_on_there() -> None:
    """Functions may send a menu with another recording."""
    phone = Phone(flow_with(lambda caller: Menu(menu="main", rec="special", size=1)))
    phone.start()
    assert phone.press("1").rec == "special"
    assert phone.press("1").rec == "special"


def test_a_menu_of_another_handler_comes_back_to_the_last_menu_of_the_flow() -> None:
    """When that handler has no more to say."""
    phone = Phone(flow_with(lambda caller: Menu(menu="survey", rec="survey", size=1)))
    phone.start()
    phone.press("1")
    assert phone.press("5") == Menu(menu="main", rec="welcome", size=1)


def test_async_functions_are_awaited() -> None:
    """In every place where a function may stand."""

    async def slow(caller: Caller) -> str:
        await asyncio.sleep(0)
        return "goodbye"

    async def check(caller: Caller) -> bool:
        await asyncio.sleep(0)
        return caller.digits == "1"

    flow = Flow("office", start="pin", otherwise=slow)
    flow.pin("pin", slow, 1, check, "decide", tries=1)
    flow.function("decide", slow)
    flow.end("goodbye", "goodbye")
    assert flow.is_async
    phone = Phone(flow)
    assert phone.start().rec == "goodbye"
    assert phone.press("1") == Hangup(rec="goodbye")
    phone.menu = "pin"
    assert phone.press("2") == Hangup(rec="goodbye")


class Plain:
    """A callable object."""

    def __call__(self, caller: Caller) -> str:
        """Anywhere."""
        return "main"


class Awaiting:
    """One with an async call."""

    async def __call__(self, caller: Caller) -> str:
        """Anywhere."""
        return "main"


@pytest.mark.parametrize(("function", "expected"), [(Plain(), False), (Awaiting(), True), (AGAIN, False)])
def test_a_flow_is_async_if_one_of_its_functions_is(function: Any, expected: bool) -> None:
    """Wherever it stands in the flow."""
    flow = Flow("office", start="main", keys={"0": function})
    assert flow.is_async is expected
    flow = Flow("office", start="main")
    flow.menu("main", "welcome", {"1": function})
    assert flow.is_async is expected


def test_a_plain_flow_needs_no_event_loop() -> None:
    """A plain function that returns something to await is an error: it would never run."""
    with pytest.raises(HandlerError, match="define it with `async def`"):
        run_plain(asyncio.sleep(0), "office")  # type: ignore[arg-type]  # stands in for the real one


def test_a_handler_of_the_author_can_enter_the_flow_where_it_likes() -> None:
    """`at` names the node; what is remembered of the call stays."""
    phone = Phone(flow_with(lambda caller: "goodbye"))
    phone.start()
    assert phone.ask("survey", "5", at="goodbye") == Hangup(rec="goodbye")
    assert phone.kept["menus"] == ["main"]
