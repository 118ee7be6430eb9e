"""The `receiver` command and what its subcommands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from receiver.app import is_sqlite, open_database
from receiver.cli.output import console, print_error
from receiver.errors import ReceiverError, SettingsError
from receiver.settings import Settings, load
from storage import Database, StoreError
from storage.database import parse_url

app = typer.Typer(
    name="receiver",
    help="Receives phone providers' callbacks, stores each before acknowledging it, and hands it to your functions.",
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
    """Settings come from the options, RECEIVER_… environment variables and receiver.toml, in this order."""


@contextmanager
def report_errors() -> Iterator[None]:
    """Turn our own errors into one clear line and exit code 2; anything else is a fault of ours and shows itself."""
    try:
        yield
    except (ReceiverError, StoreError) as error:
        for line in str(error).splitlines():
            print_error(line)
        raise typer.Exit(2) from error


@contextmanager
def open_journal(database_url: str | None, *, handlers: list[str] | None = None) -> Iterator[tuple[Settings, Database]]:
    """The settings and the journal they name, for commands that look into it."""
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        _check_that_it_is_there(settings)
        with open_database(settings) as database:
            yield settings, database


def _check_that_it_is_there(settings: Settings) -> None:
    """Looking into a journal must not make an empty one in the wrong folder, and say that nothing is in it."""
    if not is_sqlite(settings):
        return
    file = Path(parse_url(settings.database_url.get_secret_value()).database or "").resolve()
    if not file.exists():
        raise SettingsError(
            f"there is no journal {file}: run this in the folder of the receiver, name its journal with "
            "--database-url, or start one with `receiver serve`"
        )
