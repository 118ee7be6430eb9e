"""Declarative IVRs: menus, keys, PINs, languages, opening hours and calls, as a flow of named nodes. See docs/flow.md.

office = Flow("office", start="main")
office.menu("main", rec="welcome", keys={"1": "sales", "*": AGAIN}, otherwise="goodbye")
office.dial("sales", "0540000000", otherwise="goodbye")
office.end("goodbye", rec="goodbye")
office.attach(handlers, did="0730000000")
"""

from receiver.flow.caller import Caller
from receiver.flow.flow import Flow
from receiver.flow.hours import HoursError, check_hours
from receiver.flow.problems import Problem, ProblemKind
from receiver.flow.targets import AGAIN, BACK, HANG_UP, Move

__all__ = [
    "AGAIN",
    "BACK",
    "HANG_UP",
    "Caller",
    "Flow",
    "HoursError",
    "Move",
    "Problem",
    "ProblemKind",
    "check",
    "check_hours",
    "draw",
]


def check(flow: Flow) -> list[Problem]:
    """The problems of a flow; empty if there are none."""
    return flow.check()


def draw(flow: Flow) -> str:
    """A flow as an SVG, for light and dark backgrounds."""
    return flow.draw()
