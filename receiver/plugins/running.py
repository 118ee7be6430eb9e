"""Calling a handler's function: coroutines on the loop, plain functions in a thread of a bounded pool."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from receiver.errors import HandlerError
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler
from receiver.providers.event import Event
from receiver.providers.records import CallRecord


class Runner:
    """Runs handlers. `threads` bounds how many plain functions run at once; further ones wait for a thread."""

    def __init__(self, threads: int, name: str = "handlers") -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, handler: Handler, subject: Event | CallRecord, context: Context) -> Any:
        """What the function returns. Whatever it raises comes out, but nothing that would end the receiver."""
        arguments = (subject, context) if handler.takes_context else (subject,)
        try:
            if handler.is_async:
                return await handler.function(*arguments)
            return await asyncio.get_running_loop().run_in_executor(self._pool, _call, handler, arguments)
        except (SystemExit, KeyboardInterrupt) as error:
            raise HandlerError(f"{handler.name} tried to end the receiver with {type(error).__name__}") from error

    def close(self) -> None:
        """Take no more work. A thread that is inside a function cannot be stopped and is left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _call(handler: Handler, arguments: tuple[Any, ...]) -> Any:
    try:
        return handler.function(*arguments)
    except (StopIteration, SystemExit, KeyboardInterrupt) as error:
        # None of these may travel through a future: they would end the loop or leave it waiting for ever.
        raise HandlerError(f"{handler.name} raised {type(error).__name__}") from error
