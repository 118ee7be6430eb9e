"""Handlers that answer the questions of the benchmarks with minimal work."""

from receiver import Handlers
from receiver.providers.voicenter import Dial, IvrRequest, LayerInput, Menu, Target

handlers = Handlers("answers")


@handlers.answer(IvrRequest)
async def menu(step: IvrRequest) -> Menu:
    """Return the same menu for every caller."""
    return Menu(menu="main", rec="welcome", size=1)


@handlers.answer(LayerInput)
async def dial(step: LayerInput) -> Dial:
    """Return the same target for every caller."""
    return Dial(
        targets=(Target(target="0501234567"),),
        max_call_duration=7200,
        max_dial_duration=30,
        recording=True,
        next_vo_id=1,
    )
