"""Log the failure of a handler with the line of its author's file."""

import logging
import sysconfig
import traceback
from pathlib import Path

from pydantic import ValidationError

from receiver.plugins.handlers import Handler
from receiver.validation import sentences

AUTHOR_FILE = "author_file"
"""The field of a log record that names the file of the handler that failed."""
_LIBRARIES = ("stdlib", "platstdlib", "purelib", "platlib")


def log_failure(
    logger: logging.Logger,
    level: int,
    handler: Handler,
    error: BaseException | None,
    message: str,
    *args: object,
    **ids: object,
) -> None:
    """Log that a handler failed, with its exception and the ids of its callback.

    The log's formatter decides how much of the exception is shown: its text may hold a caller's number.
    """
    extra = {**ids, "handler": handler.name, AUTHOR_FILE: handler.source[0]}
    logger.log(level, message, *args, exc_info=error, extra=extra)


def error_text(error: BaseException) -> str:
    """An error on one line: its class, what it says, and the author's file and line that raised it."""
    if isinstance(error, ValidationError):
        says = "; ".join(sentences(error, error.title, unknown="there is no such field"))
    else:
        says = " ".join(str(error).splitlines())
    return f"{type(error).__name__}: {says}{at(*author_line(error))}"


def author_line(error: BaseException, file: str = "") -> tuple[str, int]:
    """The author's file and line that raised an error; "" and 0 if unknown.

    The line is the last one in `file` if the error passed through that, else the last one in any author's file.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    own = own or [frame for frame in frames if is_of_an_author(frame.filename)]
    return (own[-1].filename, own[-1].lineno or 0) if own else ("", 0)


def is_of_an_author(file: str) -> bool:
    """Whether a Python file is an author's: not the receiver's, not Python's, not an installed package's."""
    if not Path(file).is_absolute():
        return False  # "<frozen importlib._bootstrap>" and the like
    path, root = Path(file), Path(__file__).parents[2]
    libraries = [root / "receiver", root / "storage", *(Path(sysconfig.get_paths()[name]) for name in _LIBRARIES)]
    return not {"site-packages", "dist-packages"}.intersection(path.parts) and not any(
        path.is_relative_to(library) for library in libraries
    )


def shown_path(file: str) -> str:
    """A file's path for messages: relative to the working folder, if it is below that."""
    folder = Path.cwd()
    return str(Path(file).relative_to(folder)) if Path(file).is_relative_to(folder) else file


def at(file: str, line: int) -> str:
    """A place in a file as the end of a message; empty if unknown."""
    if not file:
        return ""
    return f" ({shown_path(file)}, line {line})" if line else f" ({shown_path(file)})"
