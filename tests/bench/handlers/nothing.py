"""A background handler that does nothing, to measure the cost of deliveries."""

from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers("nothing")


@handlers.on(Cdr)
async def nothing(cdr: Cdr) -> None:
    """Return at once."""
