"""Check in a process of its own that handler modules load, so that one that fails never enters the running receiver.

An import in the running process would replace modules that its handlers may import from inside a function.
"""

import asyncio
import os
import pickle
import sys

from receiver.components import load_components
from receiver.errors import ReceiverError, SettingsError
from receiver.plugins.reloading import without_bytecode
from receiver.settings import Settings

CHECK_SECONDS = 60.0
"""Time limit of a check."""
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from receiver.cli.load_check import report_to_parent; report_to_parent()"
)


async def require_loadable(settings: Settings) -> None:
    """Raises SettingsError, with the author's file and line, if the handlers of these settings do not load."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _PROGRAM,
        *sys.path,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await asyncio.wait_for(child.communicate(pickle.dumps(settings)), CHECK_SECONDS)
    except TimeoutError as error:
        raise SettingsError(f"handlers: the modules were not imported within {CHECK_SECONDS:g} s") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        ended = f"handlers: a module ended the program while it was imported, with exit code {child.returncode}"
        raise SettingsError(said.decode() or ended)


def report_to_parent() -> None:
    """In the process of the check: load what standard input has, and write the error to standard output."""
    result = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what modules print is printed by the receiver that imports them
    settings = pickle.load(sys.stdin.buffer)  # noqa: S301 - it comes from the parent
    problem = ""
    try:
        with without_bytecode():
            load_components(settings)
    except ReceiverError as error:
        problem = str(error)
    with os.fdopen(result, "w", encoding="utf-8") as parent:
        parent.write(problem)
    os._exit(1 if problem else 0)  # without waiting for threads of the modules
