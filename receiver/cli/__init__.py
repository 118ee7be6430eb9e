"""The command line: `receiver --help`."""

from receiver.cli import (
    api,
    call,
    callbacks,
    check,
    deliveries,
    export,
    forget,
    handlers,
    new,
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
    "api",
    "app",
    "call",
    "callbacks",
    "check",
    "deliveries",
    "export",
    "forget",
    "handlers",
    "new",
    "prune",
    "refused",
    "replay",
    "send",
    "serve",
    "test",
    "work",
]
