"""Building a flow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from receiver.errors import HandlerError
from receiver.flow import Flow
from tests.flow.support import Phone


def made(**options: Any) -> Flow:
    """An empty flow."""
    return Flow(**{"name": "office", "start": "main", **options})


def added(add: Callable[[Flow], None]) -> Flow:
    """A flow with one node."""
    flow = made()
    add(flow)
    return flow


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": " "}, "cannot be the name of a flow"),
        ({"name": "a\nb"}, "cannot be the name of a flow"),
        ({"languages": ["hebrew"]}, "languages are tags such as 'he' and 'en', each once"),
        ({"languages": ["he", "he"]}, "each once"),
        ({"recordings": "{name}"}, r"recordings takes \{rec\} and \{language\} alone"),
        ({"recordings": "{"}, r"recordings takes \{rec\} and \{language\} alone"),
        ({"recordings": "{language}"}, r"it must have \{rec\} in it"),
        ({"max_age": 0}, "max_age is 0; write seconds, more than 0"),
        ({"max_age": timedelta(0)}, "max_age is 0.0"),
    ],
)
def test_a_flow_that_cannot_be_is_refused_where_it_is_written(options: dict[str, Any], message: str) -> None:
    """The message says what to write."""
    with pytest.raises(HandlerError, match=message):
        made(**options)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        *[(lambda flow, name=name: flow.end(name), "is an invalid name of a node") for name in ("", " a", "-1", "\t")],
        (lambda flow: flow.menu("a", "x", {}, tries=0), "menu 'a': tries is 0; write 1 or more"),
        (lambda flow: flow.menu("a", "x", {}, loop=0), "loop is 0; write 1 or more"),
        (lambda flow: flow.menu("a", "x", {}, pause=-1), "pause is -1; write 0 or more"),
        (lambda flow: flow.menu("a", "x", {}, size=-1), "size is -1; write 0 or more"),
        (lambda flow: flow.menu("a", "x", {}, size=2**31), "size is 2147483648"),
        (lambda flow: flow.menu("a", "x", {}, tries="3"), "tries is '3'; write 1 or more"),
        (lambda flow: flow.digits("a", "x", 0, "a"), "entry 'a': size is 0; write 1 or more"),
        (lambda flow: flow.digits("a", "x", 3, "a", min_size=4), "min_size is 4; write 0 to 3"),
        (lambda flow: flow.say("a", "x", then="a", loop=0), "say 'a': loop is 0"),
        (lambda flow: flow.dial("a", "054", ring=0), "dial 'a': ring is 0; write 1 or more"),
        (lambda flow: flow.dial("a", "054", talk=True), "talk is True; write 1 or more"),
        (lambda flow: flow.message("a", "x", seconds=0), "message 'a': seconds is 0"),
        (lambda flow: flow.transfer("a", -1), "transfer 'a': to is -1"),
        (lambda flow: flow.end("a", cause=128), "end 'a': cause is 128; write 0 to 127"),
    ],
)
def test_a_node_that_cannot_be_is_refused_where_it_is_written(add: Callable[[Flow], None], message: str) -> None:
    """The message names node and field, and says what to write."""
    with pytest.raises(HandlerError, match=message):
        added(add)


def test_two_nodes_of_one_name_are_refused() -> None:
    """The second would hide the first."""
    flow = added(lambda flow: flow.end("a"))
    with pytest.raises(HandlerError, match="two nodes are named 'a'; rename one of them"):
        flow.message("a", "x")


def test_an_option_that_there_is_not_is_an_error() -> None:
    """A misspelt one must not be ignored."""
    with pytest.raises(TypeError, match="trys"):
        added(lambda flow: flow.menu("a", "x", {}, trys=3))  # type: ignore[call-arg]  # the mistake that is tested


def test_thirty_nodes_take_about_thirty_lines() -> None:
    """A line for each node, and one for the flow."""
    flow = Flow("shop", start="main", keys={"*": "main"}, otherwise="desk")
    flow.menu("main", "welcome", {str(n): f"menu{n}" for n in range(1, 5)})
    for n in range(1, 5):
        flow.menu(f"menu{n}", f"menu{n}", {str(k): f"desk{n}{k}" for k in range(1, 7)})
        for k in range(1, 7):
            flow.dial(f"desk{n}{k}", f"05400000{n}{k}")
    flow.dial("desk", "0540000000")
    assert len(flow.nodes) == 30
    assert flow.check() == []
    phone = Phone(flow)
    phone.start()
    phone.press("3")
    assert phone.press("5").target == "0540000035"
