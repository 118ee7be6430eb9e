"""`python -m receiver` is the `receiver` command."""

from receiver.cli import app

app()
