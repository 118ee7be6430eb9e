"""Playing a call from a script: one action after the other, without a screen and without waiting."""

from collections.abc import Callable

from receiver.errors import SimulationError
from receiver.phone.session import ACTIONS, PhoneSession, is_action
from receiver.providers.base.simulation import KEYS
from receiver.simulator import Step


def read_script(text: str) -> list[str]:
    """The actions of a script, separated by blanks; "12#" is three keys. Raises SimulationError for another word."""
    actions: list[str] = []
    for word in text.split():
        if is_action(word):
            actions.append(word)
        elif set(word) <= set(KEYS):
            actions += word
        else:
            raise SimulationError(f"{word!r} is not an action; there are {ACTIONS}")
    return actions


async def run_script(session: PhoneSession, actions: list[str], on_step: Callable[[Step], None]) -> list[str]:
    """Place a call and do the actions; the caller hangs up if it has not ended then. `on_step` gets each step.

    Returns the actions that were left when the call had ended.
    """
    left = ["start", *actions]
    while left and not session.is_over:
        await _do(session, left.pop(0), on_step)
    if not session.is_over:
        await _do(session, "hangup", on_step)
    return left


async def _do(session: PhoneSession, action: str, on_step: Callable[[Step], None]) -> None:
    step = await (session.dial() if action == "start" else session.do(action))
    on_step(step or Step(action, was_taken=False))
