"""Background handlers that never return: a coroutine and a plain function."""

import asyncio
import threading

from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers("hanging")


@handlers.on(Cdr)
async def hangs(cdr: Cdr) -> None:
    """Wait forever on the event loop."""
    await asyncio.Event().wait()


@handlers.on(Cdr)
def hangs_on_a_thread(cdr: Cdr) -> None:
    """Wait forever on a thread."""
    threading.Event().wait()
