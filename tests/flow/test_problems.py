"""What `check` finds."""

from collections.abc import Callable
from typing import Any

import pytest

from receiver import Setting
from receiver import flow as flows
from receiver.flow import AGAIN, BACK, HANG_UP, Flow, Problem, ProblemKind
from receiver.flow.nodes import FunctionNode
from receiver.providers.voicenter import Vo


def sound(**options: Any) -> Flow:
    """A flow without a problem: it has every kind of node."""
    flow = Flow("sound", start="hours", languages=("he", "en"), keys={"*": BACK}, otherwise="goodbye", **options)
    flow.hours("hours", "24/7", zone="UTC", open="language", closed="goodbye", holiday="goodbye")
    flow.language("language", "choose", {"1": "he", "2": "en"}, "main")
    flow.menu("main", {"he": "welcome", "en": "welcome_en"}, {"1": "desk", "2": "pin", "3": "decide", "4": "order"})
    flow.pin("pin", "pin", 4, lambda caller: True, "balance", keys={"*": BACK})
    flow.say("balance", digits=lambda caller: "1", then=BACK)
    flow.digits("order", Setting("ask_for_order"), 6, "decide", min_size=2)
    flow.function("decide", lambda caller: "desk", to=["desk", "queue"])
    flow.dial("desk", Setting("desk"), otherwise="message")
    flow.message("message", "after_the_tone")
    flow.transfer("queue", 7)
    flow.end("goodbye", "goodbye")
    return flow


def test_a_sound_flow_has_no_problem() -> None:
    """Also through the functions of the package."""
    assert sound().check() == flows.check(sound()) == []


def spoilt(*adds: Callable[[Flow], None], to: str = "") -> list[tuple[ProblemKind, str]]:
    """Kind and node of what is wrong with a sound flow to which nodes were added; something leads to `to`."""
    flow = sound()
    for add in adds:
        add(flow)
    if to:
        lead_to(flow, to)
    return [(problem.kind, problem.node) for problem in flow.check()]


def lead_to(flow: Flow, name: str) -> None:
    """Let a function of a sound flow lead to a node of that name."""
    flow.nodes["decide"] = FunctionNode(name="decide", function=lambda caller: name, to=("desk", "queue", name))


def test_a_node_that_nothing_leads_to() -> None:
    """Unless the `to` of a function names it."""
    assert spoilt(lambda flow: flow.end("island", "x")) == [(ProblemKind.UNREACHABLE, "island")]
    assert spoilt(lambda flow: flow.end("island", "x"), to="island") == []


def test_a_node_that_only_a_check_leads_to() -> None:
    """It is named in `to`."""
    flow = Flow("bank", start="pin")
    flow.pin("pin", "pin", 4, lambda caller: "blocked", "account", to=["blocked"])
    flow.end("account", "account")
    flow.end("blocked", "blocked")
    assert flow.check() == []


def test_a_node_that_only_an_island_leads_to_is_an_island_too() -> None:
    """Each is said."""
    found = spoilt(lambda flow: flow.say("one", "x", then="two"), lambda flow: flow.end("two", "x"))
    assert found == [(ProblemKind.UNREACHABLE, "one"), (ProblemKind.UNREACHABLE, "two")]


@pytest.mark.parametrize(
    ("add", "way"),
    [
        (lambda flow: flow.menu("new", "x", {"1": "nowhere"}), "1"),
        (lambda flow: flow.menu("new", "x", {"1": "desk"}, otherwise="nowhere"), "otherwise"),
        (lambda flow: flow.language("new", "x", {"1": "he"}, "nowhere"), "1 he"),
        (lambda flow: flow.digits("new", "x", 3, "nowhere"), "digits"),
        (lambda flow: flow.pin("new", "x", 3, lambda caller: True, "nowhere"), "right"),
        (lambda flow: flow.say("new", "x", then="nowhere"), "then"),
        (lambda flow: flow.dial("new", "054", otherwise="nowhere"), "no answer"),
        (lambda flow: flow.hours("new", "24/7", zone="UTC", open="nowhere", closed="desk"), "open"),
        (lambda flow: flow.hours("new", "24/7", zone="UTC", open="desk", closed="nowhere"), "closed"),
        (
            lambda flow: flow.hours("new", "24/7", zone="UTC", open="desk", closed="desk", holiday="nowhere"),
            "holiday",
        ),
        (lambda flow: flow.function("new", lambda caller: "desk", to=["nowhere"]), "to"),
    ],
)
def test_a_way_that_leads_nowhere(add: Callable[[Flow], None], way: str) -> None:
    """Every way out of every kind of node is looked at."""
    flow = sound()
    add(flow)
    lead_to(flow, "new")
    found = [problem for problem in flow.check() if problem.kind is ProblemKind.UNKNOWN_TARGET]
    assert {problem.node for problem in found} == {"new"}
    assert f"{way} leads to 'nowhere', which is not a node" in {problem.text for problem in found}


def test_what_the_whole_flow_leads_to_is_said_once() -> None:
    """Not for every menu."""
    flow = Flow("lost", start="start", keys={"0": "operator"}, otherwise="goodbye")
    flow.menu("one", "x", {"1": "two"})
    flow.menu("two", "x", {"1": "one"})
    assert [str(problem) for problem in flow.check()] == [
        "start leads to 'start', which is not a node",
        "otherwise leads to 'goodbye', which is not a node",
        "key 0 of every menu leads to 'operator', which is not a node",
    ]


# --- loops ---------------------------------------------------------------------------------------------------------


def loop(*build: Callable[[Flow], None]) -> str:
    """The loop that is found in a flow that starts at the node a."""
    flow = Flow("round", start="a")
    for add in build:
        add(flow)
    found = [problem for problem in flow.check() if problem.kind is ProblemKind.NO_WAY_OUT]
    return "" if not found else found[0].text.split("the loop ")[1].split(";")[0]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise=AGAIN)], "a → a"),
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise=BACK)], "a → a"),
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise="a")], "a → a"),
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise=HANG_UP)], ""),
        ([lambda flow: flow.menu("a", "x", {"1": "a"})], ""),
        ([lambda flow: flow.say("a", "x", then=AGAIN)], "a → a"),
        (
            [
                lambda flow: flow.menu("a", "x", {"1": "b"}, otherwise="b"),
                lambda flow: flow.say("b", "x", then=BACK),
            ],
            "a → b → a",
        ),
        (
            [
                lambda flow: flow.menu("a", "x", {"1": "b"}, otherwise=HANG_UP),
                lambda flow: flow.menu("b", "x", {"1": "a"}, otherwise=BACK),
            ],
            "",
        ),
        (
            [
                lambda flow: flow.hours("a", "24/7", zone="UTC", open="b", closed="c"),
                lambda flow: flow.menu("b", "x", {"1": "c"}, otherwise="a"),
                lambda flow: flow.end("c", "x"),
            ],
            "a → b → a",
        ),
        (
            [
                lambda flow: flow.say("a", "x", then="b"),
                lambda flow: flow.language("b", "x", {"1": "he"}, "a"),
            ],
            "a → b → a",
        ),
        (
            [
                lambda flow: flow.pin("a", "x", 4, lambda caller: True, "b", otherwise="a"),
                lambda flow: flow.end("b", "x"),
            ],
            "a → a",
        ),
        (
            [
                lambda flow: flow.say("a", "x", then="b"),
                lambda flow: flow.dial("b", "054", otherwise="a"),
            ],
            "",
        ),
        (
            [
                lambda flow: flow.say("a", "x", then="b"),
                lambda flow: flow.function("b", lambda caller: "a", to=["a", "c"]),
                lambda flow: flow.message("c", "x"),
            ],
            "",
        ),
        (
            [
                lambda flow: flow.say("a", "x", then="b"),
                lambda flow: flow.function("b", lambda caller: "a", to=["a"]),
            ],
            "a → b → a",
        ),
        ([lambda flow: flow.function("a", lambda caller: "a")], ""),
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise=lambda caller: "a")], ""),
        ([lambda flow: flow.menu("a", "x", {"1": "a"}, otherwise=Vo(layer=1))], ""),
    ],
)
def test_a_caller_who_presses_nothing_must_come_out(build: list[Callable[[Flow], None]], expected: str) -> None:
    """To an end, a call, a message or a transfer, whatever the hour; what only a function knows is not guessed."""
    assert loop(*build) == expected


def test_each_loop_is_said_once() -> None:
    """Not for each node that leads into it."""
    flow = Flow("round", start="a")
    flow.say("a", "x", then="b")
    flow.say("b", "x", then="c")
    flow.say("c", "x", then="b")
    assert [(problem.kind, problem.node) for problem in flow.check()] == [(ProblemKind.NO_WAY_OUT, "b")]


# --- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "options", "kind", "text"),
    [
        (
            {"12": "desk"},
            {"size": 1},
            ProblemKind.KEY_NEVER_MATCHES,
            "key 12 never matches: it has 2 digits, but size is 1",
        ),
        ({"a": "desk"}, {}, ProblemKind.KEY_NEVER_MATCHES, "key 'a' cannot be pressed"),
        ({"": "desk"}, {"size": 1}, ProblemKind.KEY_NEVER_MATCHES, "key '' cannot be pressed"),
        ({"1": "desk", "12": "desk"}, {}, ProblemKind.AMBIGUOUS_KEY, "key 1 is a prefix of 12"),
        ({"1": "desk"}, {"size": 3}, ProblemKind.KEY_NEVER_MATCHES, "size is 3, but no key is that long"),
    ],
)
def test_keys_that_do_not_fit(keys: dict[str, Any], options: dict[str, int], kind: ProblemKind, text: str) -> None:
    """Callers could never press them, or not without waiting."""
    flow = sound()
    flow.menu("new", "x", keys, **options)  # type: ignore[arg-type]  # stands in for the real one
    lead_to(flow, "new")
    [problem] = flow.check()
    assert (problem.kind, problem.node) == (kind, "new")
    assert problem.text.startswith(text)


def test_a_menu_without_keys() -> None:
    """It asks for nothing."""
    flow = Flow("bare", start="main")
    flow.menu("main", "x", {})
    assert [problem.text for problem in flow.check()] == ["it has no key; add one, or use `say`"]


def test_keys_of_a_language_and_of_an_entry_are_looked_at_too() -> None:
    """A key of digits cannot be distinguished from an entry."""
    assert spoilt(
        lambda flow: flow.language("new", "x", {"1": "he", "12": "en"}, "entry"),
        lambda flow: flow.digits("entry", "x", 4, "desk", keys={"0": "desk", "*": BACK, "#####": "desk"}),
        to="new",
    ) == [
        (ProblemKind.AMBIGUOUS_KEY, "new"),
        (ProblemKind.AMBIGUOUS_KEY, "entry"),
        (ProblemKind.KEY_NEVER_MATCHES, "entry"),
    ]


# --- recordings and languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "add",
    [
        lambda flow: flow.menu("new", "", {"1": "desk"}),
        lambda flow: flow.menu("new", {}, {"1": "desk"}),
        lambda flow: flow.menu("new", {"he": "x"}, {"1": "desk"}),
        lambda flow: flow.menu("new", {"he": "x", "en": ""}, {"1": "desk"}),
        lambda flow: flow.menu("new", "x", {"1": "desk"}, wrong={"en": "x"}),
        lambda flow: flow.language("new", "", {"1": "he"}, "desk"),
        lambda flow: flow.digits("new", "", 4, "desk"),
        lambda flow: flow.say("new", then="desk"),
        lambda flow: flow.say("new", {"he": "x"}, then="desk", digits="1"),
        lambda flow: flow.message("new"),
        lambda flow: flow.dial("new", "054", whisper={"he": "x"}),
        lambda flow: flow.transfer("new", 7, {"he": "x"}),
        lambda flow: flow.end("new", {"he": "x"}),
    ],
)
def test_a_recording_that_is_missing(add: Callable[[Flow], None]) -> None:
    """Where there must be one, and in every language of the flow."""
    assert spoilt(add, to="new") == [(ProblemKind.MISSING_RECORDING, "new")]


def test_a_language_that_the_flow_does_not_have() -> None:
    """A key cannot choose it, and a recording in it is never played."""
    assert spoilt(
        lambda flow: flow.language("new", "x", {"1": "he", "2": "fr"}, "more"),
        lambda flow: flow.end("more", {"he": "x", "en": "x", "ar": "x"}),
        to="new",
    ) == [(ProblemKind.UNKNOWN_LANGUAGE, "new"), (ProblemKind.UNKNOWN_LANGUAGE, "more")]


def test_a_setting_that_is_missing() -> None:
    """Looked for where the settings are known: a flow alone does not know them."""
    found = sound().check({"desk": "0540000000"})
    assert [(problem.kind, problem.node) for problem in found] == [(ProblemKind.MISSING_SETTING, "order")]
    assert sound().check({"desk": "0540000000", "ask_for_order": "order"}) == []


def test_a_problem_reads_as_a_sentence() -> None:
    """The node first."""
    assert str(Problem(ProblemKind.UNREACHABLE, "main", "nothing leads here")) == "main: nothing leads here"
    assert str(Problem(ProblemKind.UNKNOWN_TARGET, "", "start leads nowhere")) == "start leads nowhere"
