"""Running a handler's function: coroutines on the event loop, plain functions in a thread pool of their own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from receiver.errors import HandlerError
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord


class Runner:
    """Runs handlers. Each plain function has its own pool, so that one that hangs takes no threads from others.

    `threads` is the size of a pool, unless the handler has its own `concurrency`. With `keeps_context` a thread has the
    context variables of the task that waits for it, such as the span in progress.
    """

    def __init__(self, threads: int, name: str = "handlers", *, keeps_context: bool = False) -> None:
        self._threads = threads
        self._name = name
        self._keeps_context = keeps_context
        self._pools: dict[tuple[str, int], tuple[ThreadPoolExecutor, asyncio.Semaphore]] = {}

    async def run(self, handler: Handler, subject: Event | CallRecord, context: Context) -> Any:
        """Return what the function returns. An exception that would end the program becomes a HandlerError."""
        arguments = (subject, context) if handler.takes_context else (subject,)
        try:
            if handler.is_async:
                return await handler.function(*arguments)
            return await self._in_thread(handler, arguments)
        except Exception:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # the caller cancels this task, not the handler
            raise HandlerError(f"{handler.name} raised {type(error).__name__}, which ends programs") from error

    async def _in_thread(self, handler: Handler, arguments: tuple[Any, ...]) -> Any:
        """Wait for a free thread, then for the function. A wait that is cancelled takes no thread."""
        pool, places = self._pool(handler)
        await places.acquire()
        loop = asyncio.get_running_loop()

        def release(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended before a function that hung
                loop.call_soon_threadsafe(places.release)

        try:
            if self._keeps_context:
                running = pool.submit(copy_context().run, _call, handler, arguments)
            else:
                running = pool.submit(_call, handler, arguments)
        except BaseException:
            places.release()
            raise
        running.add_done_callback(release)
        return await asyncio.wrap_future(running)

    def _pool(self, handler: Handler) -> tuple[ThreadPoolExecutor, asyncio.Semaphore]:
        size = handler.concurrency or self._threads
        key = handler.name, size
        if key not in self._pools:
            threads = ThreadPoolExecutor(size, thread_name_prefix=f"{self._name}-{handler.name}")
            self._pools[key] = threads, asyncio.Semaphore(size)
        return self._pools[key]

    def close(self) -> None:
        """Accept no more work. A thread that is inside a function cannot be stopped, and is abandoned."""
        for pool, _ in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _call(handler: Handler, arguments: tuple[Any, ...]) -> Any:
    try:
        return handler.function(*arguments)
    except StopIteration as error:
        raise HandlerError(f"{handler.name} raised StopIteration") from error  # a future cannot hold it
    except Exception:
        raise
    except BaseException as error:
        raise HandlerError(f"{handler.name} raised {type(error).__name__}, which ends programs") from error
