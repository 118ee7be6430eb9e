"""The command line: `receiver --help`."""

from receiver.cli.main import app

__all__ = ["app"]
