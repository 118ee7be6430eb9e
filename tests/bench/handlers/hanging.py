"""Background handlers that never return, one of each colour."""

import asyncio
import threading

from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers("hanging")


@handlers.on(Cdr)
async def hangs(cdr: Cdr) -> None:
    """Wait for what never comes, on the loop."""
    await asyncio.Event().wait()


@handlers.on(Cdr)
def hangs_on_a_thread(cdr: Cdr) -> None:
    """Wait for what never comes, on a thread."""
    threading.Event().wait()
