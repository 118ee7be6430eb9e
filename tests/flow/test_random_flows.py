"""Whatever a flow looks like and whatever is pressed, a caller gets a reply that the provider understands."""

import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.flow import Flow, ProblemKind
from receiver.providers.voicenter import Call, Menu, SayDigits, Voicenter
from receiver.providers.voicenter.options import VoicenterOptions
from receiver.wire import Format
from tests.flow.random_flows import DIGITS, NAMES, flows
from tests.flow.support import Phone

STEPS = st.lists(
    st.one_of(
        DIGITS.map(lambda digits: ("press", digits)),
        st.sampled_from([("start", ""), ("lose the journal", ""), ("wait an hour", ""), ("other receiver", "")]),
        st.sampled_from(NAMES).map(lambda menu: ("be in", menu)),
        st.just(("be in", "elsewhere")),
    ),
    max_size=12,
)


def take(phone: Phone, step: str, what: str) -> None:
    """Do one thing that may happen in a call."""
    match step:
        case "press" if isinstance(phone.said[-1], Call) and phone.said[-1].next_menu:
            phone.fail(what)
        case "press":
            phone.press(what)
        case "start":
            phone.start()
        case "lose the journal":
            phone.history_is_complete = not phone.history_is_complete
        case "wait an hour":
            phone.now += timedelta(hours=1, seconds=1)
        case "other receiver":
            phone.state = dict(phone.state)
        case "be in":
            phone.ask(what, "1")


def expect_sound(phone: Phone, provider: Voicenter, *, is_kept: bool) -> None:
    """The reply can be written, and where it names a menu, that is the node that the flow's state has."""
    reply: Any = phone.said[-1]
    for dialect in (Format.XMLRPC, Format.JSON):
        assert provider.write(reply, dialect).status == 200
    place = reply.menu if isinstance(reply, Menu | SayDigits) else getattr(reply, "next_menu", None)
    if place is not None and place != "elsewhere":
        assert place in NAMES
        assert place in phone.flow.nodes or getattr(reply, "rec", "") == "own"
    if place is not None and is_kept:
        assert phone.kept["node"] == place


@settings(deadline=None, max_examples=300)
@given(flow=flows(), steps=STEPS)
def test_every_question_gets_a_valid_reply(flow: Flow, steps: list[tuple[str, str]]) -> None:
    """Never an exception; every menu of a reply is a node, and the state of the call names it."""
    phone, provider = Phone(flow), Voicenter(VoicenterOptions())
    phone.start()
    expect_sound(phone, provider, is_kept=True)
    for step, what in steps:
        said = len(phone.said)
        take(phone, step, what)
        expect_sound(phone, provider, is_kept=phone.history_is_complete and len(phone.said) > said)


@settings(deadline=None, max_examples=200)
@given(flow=flows())
def test_every_flow_can_be_checked_and_drawn(flow: Flow) -> None:
    """However little sense it makes: each node is drawn once, and the drawing is well-formed."""
    problems = flow.check()
    assert all(problem.node in {"", *flow.nodes} for problem in problems)
    drawing = ET.fromstring(flow.draw())
    assert len(drawing.findall("{http://www.w3.org/2000/svg}g")) == len(flow.nodes)
    shown = str(flow.tree().label)
    assert shown.startswith("random")


@settings(deadline=None, max_examples=300)
@given(flow=flows(wild=False))
def test_a_caller_who_presses_nothing_comes_out_unless_check_says_otherwise(flow: Flow) -> None:
    """A flow without a loop ends, rings or leaves after silence, at the latest when each node has used up its tries."""
    loops = any(problem.kind is ProblemKind.NO_WAY_OUT for problem in flow.check())
    phone = Phone(flow)
    reply = phone.start()
    for _ in range(3 * 3 * len(NAMES)):
        if not isinstance(reply, Menu | SayDigits):
            return
        reply = phone.press("")
    assert loops
