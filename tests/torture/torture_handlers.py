"""Handlers that misbehave, and record what they saw: one line for each delivery, HANDLER CALL EVENT."""

import asyncio
import os
import random

from receiver import Context, Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers("torture", requires=("seen",))


def _note(name: str, cdr: Cdr, context: Context) -> None:
    line = f"{name} {cdr.call_id} {cdr.duration}\n".encode()
    file = os.open(context.settings["seen"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, line)
    os.close(file)


@handlers.on(Cdr, name="good")
def good(cdr: Cdr, context: Context) -> None:
    """Record the event."""
    _note("good", cdr, context)


@handlers.on(Cdr, name="raises", attempts=1000)
async def raises(cdr: Cdr, context: Context) -> None:
    """Fail at random."""
    if random.random() < 0.2:
        raise RuntimeError("a random failure")
    _note("raises", cdr, context)


@handlers.on(Cdr, name="hangs", attempts=1000, timeout=0.3)
async def hangs(cdr: Cdr, context: Context) -> None:
    """Hang at random, beyond the time limit."""
    if random.random() < 0.02:
        await asyncio.sleep(3600)
    _note("hangs", cdr, context)


@handlers.on(Cdr, name="kills", attempts=1000)
def kills(cdr: Cdr, context: Context) -> None:
    """End the whole process at random."""
    if context.settings.get("kill") and random.random() < 0.002:
        os._exit(1)
    _note("kills", cdr, context)


NAMES = ("good", "raises", "hangs", "kills")
