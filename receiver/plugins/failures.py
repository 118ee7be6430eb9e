"""Log the failure of a handler with the line of its author's file."""

import inspect
import logging

from receiver.plugins.handlers import Handler

AUTHOR_FILE = "author_file"
"""The field of a log record that names the file of the handler that failed."""


def log_failure(
    logger: logging.Logger,
    level: int,
    handler: Handler,
    error: BaseException | None,
    message: str,
    *args: object,
    **ids: object,
) -> None:
    """Log that a handler failed, with its exception and the ids of what it worked on.

    The log's formatter decides how much of the exception is shown: its text may hold a caller's number.
    """
    function = inspect.unwrap(getattr(handler.function, "func", handler.function))
    code = getattr(function, "__code__", None)
    extra = {**ids, "handler": handler.name, AUTHOR_FILE: code.co_filename if code else ""}
    logger.log(level, message, *args, exc_info=error, extra=extra)
