"""Calling a handler's function: coroutines on the loop, plain functions in threads of their own pool."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from receiver.errors import HandlerError
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler
from receiver.providers.event import Event
from receiver.providers.records import CallRecord


class Runner:
    """Runs handlers. Each plain function has a pool of its own, so that one that hangs takes no thread from others.

    `threads` is a pool's size where the handler does not say how many may run side by side.
    """

    def __init__(self, threads: int, name: str = "handlers") -> None:
        self._threads = threads
        self._name = name
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def run(self, handler: Handler, subject: Event | CallRecord, context: Context) -> Any:
        """What the function returns. Whatever it raises comes out, but nothing that would end the receiver."""
        arguments = (subject, context) if handler.takes_context else (subject,)
        try:
            if handler.is_async:
                return await handler.function(*arguments)
            return await asyncio.get_running_loop().run_in_executor(self._pool(handler), _call, handler, arguments)
        except Exception:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # we are cancelled from outside, as we should be
            raise HandlerError(f"{handler.name} raised {type(error).__name__}, which ends programs") from error

    def _pool(self, handler: Handler) -> ThreadPoolExecutor:
        if handler.name not in self._pools:
            size = handler.concurrency or self._threads
            self._pools[handler.name] = ThreadPoolExecutor(size, thread_name_prefix=f"{self._name}-{handler.name}")
        return self._pools[handler.name]

    def close(self) -> None:
        """Take no more work. A thread that is inside a function cannot be stopped and is left behind."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _call(handler: Handler, arguments: tuple[Any, ...]) -> Any:
    try:
        return handler.function(*arguments)
    except StopIteration as error:
        raise HandlerError(f"{handler.name} raised StopIteration") from error  # no future can carry it
    except Exception:
        raise
    except BaseException as error:
        raise HandlerError(f"{handler.name} raised {type(error).__name__}, which ends programs") from error
