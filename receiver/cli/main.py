"""The `receiver` command and what its subcommands share."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from receiver.cli.commands import COMMANDS, GROUPS
from receiver.cli.output import console, print_error
from receiver.errors import ReceiverError, SettingsError
from receiver.setting_sources import DEFAULT_DATABASE_URL, written
from storage.errors import DatabaseFailedError, StoreError

if TYPE_CHECKING:
    from receiver.settings import Settings
    from storage import Database


@contextmanager
def _no_collections() -> Iterator[None]:
    """No garbage collection while modules are imported: they leave none, and searching them takes a tenth more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Unloaded(TyperCommand):
    """A command of the list whose module is not imported yet: enough for `receiver --help`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, help=COMMANDS[name], rich_markup_mode="markdown")

    def loaded(self) -> Any:
        """The command itself, as its module registers it."""
        with _no_collections():
            import_module(f"{__package__}.{self.name}")
        return get_group(app).commands[str(self.name)]


class _Commands(TyperGroup):
    """The commands of the list, in its order; each is imported when it is run."""

    def __init__(self, *, commands: Mapping[str, Any], **attributes: Any) -> None:
        known = {name: commands[name] if name in commands else _Unloaded(name) for name in COMMANDS}
        for heading, names in GROUPS.items():
            for name in names:
                known[name].rich_help_panel = heading
        super().__init__(commands={**known, **commands}, **attributes)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the list."""
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is run, with its name and the arguments that are left."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.loaded() if isinstance(command, _Unloaded) else command, rest


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
        from importlib.metadata import version

        console.print(version("callback-receiver"))
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What comes before a command."""


_DATABASE_ADVICE = "see that it can be reached and that its URL is right; `receiver doctor` examines the journal"


@contextmanager
def report_errors() -> Iterator[None]:
    """Print our own errors as sentences and exit with code 2; anything else is a bug and shows its traceback."""
    try:
        yield
    except (ReceiverError, StoreError) as error:
        advice = f"; {_DATABASE_ADVICE}" if isinstance(error, DatabaseFailedError) else ""
        for line in f"{error}{advice}".splitlines():
            print_error(line)
        raise typer.Exit(2) from error


@contextmanager
def open_journal(
    database_url: str | None, *, handlers: list[str] | None = None
) -> Iterator[tuple["Settings", "Database"]]:
    """The settings and the journal that they name, for commands that need both."""
    from receiver.settings import load

    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        with _opened(settings.database_url.get_secret_value(), auto_migrate=settings.auto_migrate) as database:
            yield settings, database


@contextmanager
def open_journal_alone(database_url: str | None) -> Iterator["Database"]:
    """The journal, for commands that need no other setting.

    The other settings are not checked, because that would take longer than the command itself.
    """
    with report_errors(), _opened(database_url_of(database_url), auto_migrate=_auto_migrate()) as database:
        yield database


def database_url_of(given: str | None) -> str:
    """The journal's URL as `receiver.settings.load` has it. What that rejects, it explains. Raises SettingsError."""
    with suppress(OSError, ValueError):
        url = given if given is not None else written("database_url")
        if url is None or isinstance(url, str):
            return DEFAULT_DATABASE_URL if url is None else url
    from receiver.settings import load

    return load(database_url=given).database_url.get_secret_value()


def _auto_migrate() -> bool:
    """The setting of that name. What is neither true nor false, `receiver.settings.load` explains."""
    with suppress(OSError, ValueError):
        value = written("auto_migrate")
        if value is None or isinstance(value, bool):
            return value is not False
    from receiver.settings import load

    return load().auto_migrate


def _opened(url: str, *, auto_migrate: bool) -> "Database":
    """A command that reads must not create an empty journal in the wrong folder and then say that it is empty."""
    from receiver.database import file_of, open_database

    file = file_of(url)
    if file is not None and not file.exists():
        from receiver.settings import load

        load()  # raises if a setting is misspelt, perhaps the one that names the journal
        raise SettingsError(
            f"there is no journal {file}: run this in the folder of the receiver, name its journal with "
            "--database-url, or start a receiver with `receiver serve`"
        )
    return open_database(url, auto_migrate=auto_migrate)
