"""Answers to the questions that the benchmarks ask, with as little work as an answer can have."""

from receiver import Handlers
from receiver.providers.voicenter import Dial, IvrRequest, LayerInput, Menu, Target

handlers = Handlers("answers")


@handlers.answer(IvrRequest)
async def menu(step: IvrRequest) -> Menu:
    """The same menu for everybody."""
    return Menu(menu="main", rec="welcome", size=1)


@handlers.answer(LayerInput)
async def dial(step: LayerInput) -> Dial:
    """The same target for everybody."""
    return Dial(
        targets=(Target(target="0501234567"),),
        max_call_duration=7200,
        max_dial_duration=30,
        recording=True,
        next_vo_id=1,
    )
