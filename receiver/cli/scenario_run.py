"""Running the scenarios of the working folder as a command of its own, after a reload."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from receiver.cli.commands import COMMANDS

COMMAND = "test"


def scenario_run(given: Mapping[str, Any]) -> Callable[[], Awaitable[str]] | None:
    """A function that runs `receiver test` with the handlers of the command line; None without that command.

    It returns the last line that the command prints.
    """
    if COMMAND not in COMMANDS:
        return None
    handlers = given.get("handlers") or []
    environment = {**os.environ, **({"RECEIVER_HANDLERS": ",".join(handlers)} if handlers else {})}

    async def run() -> str:
        return await last_line([sys.executable, "-m", "receiver", COMMAND], environment)

    return run


async def last_line(command: list[str], environment: Mapping[str, str]) -> str:
    """The last line that a command prints. The command is ended when this is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    lines = [line for line in printed.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"`receiver {COMMAND}` ended with {process.returncode} and printed nothing"
