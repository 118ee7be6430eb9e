"""The `receiver` command and what its subcommands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from receiver.app import is_sqlite, open_database
from receiver.cli.output import console, print_error
from receiver.errors import ReceiverError, SettingsError
from receiver.settings import Settings, load
from storage import Database, StoreError
from storage.database import parse_url

ORDER = (
    *("serve", "work", "check", "new", "phone", "test", "send"),
    *("callbacks", "call", "deliveries", "refused", "reconcile", "gaps", "replay", "export", "prune", "forget"),
    *("audit", "backup", "restore", "copy", "doctor"),
)
"""Commands in the order in which a new user meets them; others follow."""


class _Commands(TyperGroup):
    """Lists the commands in that order."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="receiver",
    cls=_Commands,
    help=(
        "Receives phone providers' callbacks, stores each before acknowledging it, and gives it to your functions.\n\n"
        "Settings come from options, RECEIVER_… environment variables and receiver.toml, in this order. "
        "`receiver COMMAND --help` explains a command."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(version("callback-receiver"))
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What comes before a command."""


@contextmanager
def report_errors() -> Iterator[None]:
    """Print our own errors as sentences and exit with code 2; anything else is a bug and shows its traceback."""
    try:
        yield
    except (ReceiverError, StoreError) as error:
        for line in str(error).splitlines():
            print_error(line)
        raise typer.Exit(2) from error


@contextmanager
def open_journal(database_url: str | None, *, handlers: list[str] | None = None) -> Iterator[tuple[Settings, Database]]:
    """The settings and the journal that they name, for commands that read it."""
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        _require_journal(settings)
        with open_database(settings) as database:
            yield settings, database


def _require_journal(settings: Settings) -> None:
    """A command that reads must not create an empty journal in the wrong folder and then say that it is empty."""
    if not is_sqlite(settings):
        return
    file = Path(parse_url(settings.database_url.get_secret_value()).database or "").resolve()
    if not file.exists():
        raise SettingsError(
            f"there is no journal {file}: run this in the folder of the receiver, name its journal with "
            "--database-url, or start a receiver with `receiver serve`"
        )
