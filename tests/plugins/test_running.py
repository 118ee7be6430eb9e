"""Running a handler's function."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from receiver import Context, Handlers
from receiver.errors import HandlerError
from receiver.plugins.handlers import Handler
from receiver.plugins.runner import Runner
from receiver.providers.voicenter import Cdr


@pytest.fixture
async def runner() -> AsyncIterator[Runner]:
    """A runner with one thread for each plain function."""
    runner = Runner(threads=1)
    yield runner
    runner.close()


def _handler(function: Any, name: str = "f") -> Handler:
    handlers = Handlers()
    handlers.on(Cdr, name=name)(function)
    return next(iter(handlers))


async def test_a_plain_function_runs_in_a_thread(runner: Runner) -> None:
    """It may block without delaying other callers."""
    where = await runner.run(_handler(lambda cdr: threading.current_thread()), Cdr(), Context())
    assert where is not threading.main_thread()


async def test_a_function_that_hangs_takes_no_thread_from_others(runner: Runner) -> None:
    """Every plain function has its own threads."""
    release = threading.Event()
    hanging = asyncio.create_task(runner.run(_handler(lambda cdr: release.wait(), "hangs"), Cdr(), Context()))
    assert await asyncio.wait_for(runner.run(_handler(lambda cdr: "done", "works"), Cdr(), Context()), 5) == "done"
    release.set()
    assert await hanging is True


@pytest.mark.parametrize("exit_", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_handler_cannot_end_the_receiver(runner: Runner, exit_: type[BaseException], is_async: bool) -> None:
    """An exception that would end the program is an ordinary failure of the handler."""

    def plain(cdr: Cdr) -> None:
        raise exit_

    async def coroutine(cdr: Cdr) -> None:
        raise exit_

    with pytest.raises(HandlerError):
        await runner.run(_handler(coroutine if is_async else plain), Cdr(), Context())


async def test_a_stray_stop_iteration_is_a_failure(runner: Runner) -> None:
    """A future cannot hold StopIteration."""
    with pytest.raises(HandlerError, match="StopIteration"):
        await runner.run(_handler(lambda cdr: next(iter(()))), Cdr(), Context())


async def test_a_handler_that_cancels_itself_has_failed(runner: Runner) -> None:
    """The request and the worker are not cancelled."""

    async def cancels(cdr: Cdr) -> None:
        raise asyncio.CancelledError

    with pytest.raises(HandlerError, match="CancelledError"):
        await runner.run(_handler(cancels), Cdr(), Context())
