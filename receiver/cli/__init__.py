"""The command line: `receiver --help`."""

from receiver.cli import callbacks, check, send, serve
from receiver.cli.main import app

__all__ = ["app", "callbacks", "check", "send", "serve"]
