"""Flows as hypothesis makes them up: every kind of node, with ways that may lead anywhere, or nowhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from receiver.flow import AGAIN, BACK, HANG_UP, Caller, Flow
from receiver.providers.voicenter import Hangup, Menu, Vo

NAMES = ("main", "sales", "pin", "תפריט", "hours", "<&>", "7", "operator", "bye", "x y")
RECORDINGS: SearchStrategy[Any] = st.sampled_from(
    ["welcome", "", {"he": "a", "en": "b"}, {"en": "b"}, {}, lambda caller: f"for_{caller.node}"]
)
DIGITS = st.text("0123456789*#", max_size=5)


def go_to(target: Any) -> Callable[[Caller], Any]:
    """A function that always leads to this target."""

    def decide(caller: Caller) -> Any:
        caller.values["visits"] = caller.values.get("visits", 0) + 1
        return target

    return decide


@dataclass(frozen=True)
class Making:
    """How one flow is made: what its ways may lead to, and hypothesis's choice."""

    flow: Flow
    draw: DrawFn
    targets: SearchStrategy[Any]

    def target(self) -> Any:
        """Where one way leads."""
        return self.draw(self.targets)

    def recording(self) -> Any:
        """What is played."""
        return self.draw(RECORDINGS)

    def keys(self) -> dict[str, Any]:
        """Keys, some of which no telephone has."""
        return self.draw(keys(self.targets))

    def asking(self) -> Any:
        """Options of nodes that ask."""
        options = {"otherwise": self.targets, "wrong": RECORDINGS, "loop": st.integers(1, 3)}
        return self.draw(st.fixed_dictionaries({"tries": st.integers(1, 3)}, optional=options))


def keys(values: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """Keys with what they lead to."""
    return st.dictionaries(st.text("012*#x", min_size=1, max_size=2), values, max_size=4)


def wild_targets() -> SearchStrategy[Any]:
    """Anything that a way may lead to: names that may be missing, functions, replies, menus of nobody's."""
    goals = st.sampled_from([*NAMES, *NAMES, BACK, AGAIN, HANG_UP, "nowhere", Vo(layer=3), Hangup(rec="x")])
    own_menus = st.sampled_from([Menu(menu=name, rec="own", size=2) for name in (*NAMES, "elsewhere")])
    return st.one_of(goals, goals, goals.map(go_to), own_menus)


@st.composite
def flows(draw: DrawFn, *, wild: bool = True) -> Flow:
    """A flow of some of the names. Unless it is wild, all its ways lead to its nodes or are moves."""
    lists = (
        st.lists(st.sampled_from(NAMES), unique=True) if wild else st.sampled_from([NAMES[:1], NAMES[:2], NAMES[:3]])
    )
    names = draw(lists)
    targets = wild_targets() if wild else st.sampled_from([*names, *names, BACK, AGAIN, HANG_UP])
    options = draw(st.fixed_dictionaries({}, optional={"otherwise": targets, "keys": keys(targets)}))
    languages = draw(st.sampled_from([(), ("he",), ("he", "en")]))
    start = draw(st.sampled_from(NAMES if wild else names))
    flow = Flow("random", start=start, languages=languages, **options)
    making = Making(flow, draw, targets)
    for name in names:
        draw(st.sampled_from(ADDERS if wild else ADDERS[:-1]))(making, name)
    return flow


def _menu(making: Making, name: str) -> None:
    size = making.draw(st.integers(0, 3))
    making.flow.menu(name, making.recording(), making.keys(), size=size, **making.asking())


def _language(making: Making, name: str) -> None:
    chosen = making.draw(keys(st.sampled_from(making.flow.languages or ("",))))
    making.flow.language(name, making.recording(), chosen, making.target(), **making.asking())


def _digits(making: Making, name: str) -> None:
    check = making.draw(st.sampled_from([None, lambda caller: caller.digits.startswith("1"), go_to(True)]))
    extra: Any = {"check": check, "keep": making.draw(st.sampled_from(["", "order"])), "keys": making.keys()}
    least = making.draw(st.integers(0, 3))
    making.flow.digits(name, making.recording(), 3, making.target(), min_size=least, **extra, **making.asking())


def _pin(making: Making, name: str) -> None:
    check = go_to(making.draw(st.one_of(making.targets.filter(is_a_goal), st.booleans())))
    making.flow.pin(name, making.recording(), 3, check, making.target(), **making.asking())


def is_a_goal(target: object) -> bool:
    """Whether a function may return it: another function would be the author's mistake, and an error."""
    return not callable(target)


def _say(making: Making, name: str) -> None:
    digits: Any = making.draw(st.sampled_from(["", "012", lambda caller: caller.number]))
    making.flow.say(name, making.recording(), digits=digits, then=making.target(), skip=making.draw(st.booleans()))


def _dial(making: Making, name: str) -> None:
    making.flow.dial(name, "0540000000", otherwise=making.target())


def _hours(making: Making, name: str) -> None:
    hours = making.draw(st.sampled_from(["24/7", "24/7 off", "Su-Th 08:00-17:00"]))
    making.flow.hours(name, hours, zone="Asia/Jerusalem", open=making.target(), closed=making.target())


def _leaving(making: Making, name: str) -> None:
    if making.draw(st.booleans()):
        making.flow.message(name, making.recording())
    else:
        making.flow.end(name, making.recording())


def _transfer(making: Making, name: str) -> None:
    making.flow.transfer(name, making.draw(st.integers(100, 199)), making.recording())


def _function(making: Making, name: str) -> None:
    target = making.draw(making.targets.filter(is_a_goal))
    making.flow.function(name, go_to(target), to=making.draw(st.lists(making.targets, max_size=2)))


ADDERS = (_menu, _menu, _menu, _language, _digits, _pin, _say, _dial, _hours, _leaving, _transfer, _function)
"""What adds each kind of node; what only a function knows comes last."""
