"""`receiver migrate`: bring the journal's tables up to date."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from receiver.cli.main import app, database_url_of, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import console, counted, print_prose


@app.command()
def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 if migrations are missing.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Change nothing; print the missing migrations as SQL statements.")
    ] = False,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="REVISION",
            help="For a rollback: let the program of this earlier revision start. Nothing is removed.",
        ),
    ] = "",
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the journal's tables up to date, while receivers run. Of several that start it, one does it."""
    from receiver.database import make_database
    from storage import migrate as migrations

    with (
        report_errors(),
        _opened_url(database_url_of(database_url), is_changed=not check and not sql) as url,
        make_database(url, auto_migrate=True) as database,
    ):
        with database.read_only() as connection:
            missing = migrations.missing(connection)
            if sql:
                typer.echo(migrations.sql(connection), nl=False)
                return
        if check:
            _say_what_is_missing(missing)
            raise typer.Exit(1 if missing else 0)
        if to:
            database.step_back(to)
            print_prose(f"The tables of {database.place} have revision {to} again: start its program.")
            return
        with console.status(f"running {counted(len(missing), 'migration')}"):
            database.migrate(lambda revision: print_prose(f"Revision {revision} is done."))
        print_prose(f"The tables of {database.place} have revision {migrations.newest()}.")


@contextmanager
def _opened_url(url: str, *, is_changed: bool) -> Iterator[str]:
    """The URL; of a file that does not exist and must not be created, that of an empty journal for the moment."""
    from receiver.database import file_of

    file = file_of(url)
    if is_changed or file is None or file.exists():
        yield url
        return
    with TemporaryDirectory(prefix="receiver-migrate-") as folder:
        yield f"sqlite:///{folder}/empty.db"


def _say_what_is_missing(missing: list[str]) -> None:
    if missing:
        print_prose(f"{counted(len(missing), 'migration')} missing: {', '.join(missing)}. Run `receiver migrate`.")
    else:
        print_prose("The tables are up to date.")
