"""The command line: `receiver --help`."""

from receiver.cli import (
    call,
    callbacks,
    check,
    deliveries,
    export,
    flow,
    forget,
    handlers,
    new,
    phone,
    prune,
    refused,
    replay,
    send,
    serve,
    test,
    work,
)
from receiver.cli.main import app

__all__ = [
    "app",
    "call",
    "callbacks",
    "check",
    "deliveries",
    "export",
    "flow",
    "forget",
    "handlers",
    "new",
    "phone",
    "prune",
    "refused",
    "replay",
    "send",
    "serve",
    "test",
    "work",
]
