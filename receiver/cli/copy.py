"""`receiver copy`: move a journal from SQLite to PostgreSQL or back."""

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.output import Column, Table, console, counted, print_note, print_prose
from receiver.cli.paging import step_progress
from receiver.settings import load
from storage import Database
from storage.copying.compare import Compared
from storage.copying.journal_copy import Copied, open_copy
from storage.copying.usage import is_used
from storage.errors import CopyError
from storage.spool_files import count_in_all


@app.command()
def copy(
    source_url: Annotated[
        str, typer.Option("--from", metavar="URL", help="The journal to copy, such as sqlite:///receiver.db.")
    ],
    target_url: Annotated[
        str, typer.Option("--to", metavar="URL", help="The database to copy it to. It must be empty at first.")
    ],
    final: Annotated[
        bool, typer.Option("--final", help="The last pass, once the receivers are stopped: then the copy is complete.")
    ] = False,
) -> None:
    """Copy a journal from SQLite to PostgreSQL or back, with all numbers, while receivers use it.

    While receivers use it, the copy catches up with them: run it again after an interruption, then stop the receivers
    and run it with --final. If none does, the copy is complete at once.
    """
    with report_errors():
        settings = load()
        with Database(source_url) as source, Database(target_url) as target:
            copied = None if final else _copied(source, target)
            if final or not is_used(source):
                _require_empty_spool(source, settings.spool)
                with step_progress() as on_step, open_copy(source, target, on_step) as copying:
                    verified = copying.finish()
                copied = None
    if copied is None:
        _print_verified(verified, target)
    else:
        _print_next(copied, source, target)


def _copied(source: Database, target: Database) -> Copied:
    with step_progress() as on_step, open_copy(source, target, on_step) as copying:
        return copying.run()


def _require_empty_spool(source: Database, spool: str) -> None:
    waiting, _ = (0, 0) if source.is_sqlite else count_in_all(Path(spool))
    if waiting:
        raise CopyError(
            f"the spool {spool} holds {counted(waiting, 'callback')} that are not in the journal yet: start a receiver "
            "until they have moved"
        )


def _print_next(copied: Copied, source: Database, target: Database) -> None:
    urls = f"--from {_shown(source)} --to {_shown(target)}"
    print_prose(f"{counted(copied.rows, 'row')} copied, up to callback {copied.last_callback}.")
    print_note(
        f"Rows that changed in the last round: {copied.behind}. Receivers may go on; run this again to catch up."
    )
    print_prose("Switch now:", style="bold")
    print_prose("1. Stop all receivers and workers of the source, and receiver.socket if systemd listens.", indent=3)
    print_prose("2. Make the last pass:")
    # Not wrapped, so that it can be copied.
    console.print(f"   receiver copy {urls} --final", soft_wrap=True, markup=False, highlight=False)
    print_prose(f"3. Start them with database_url = {_shown(target)}", indent=3)


def _print_verified(verified: list[Compared], target: Database) -> None:
    table = Table(Column("table"), Column("rows", right=True), Column("hash of both", rank=1))
    for one in verified:
        table.add(one.table, f"{one.rows:,}", one.hashes[0])
    table.print()
    console.print()
    print_prose(f"The copy is complete: start the receivers with database_url = {_shown(target)}.")


def _shown(database: Database) -> str:
    """The URL as a user writes it, without the password."""
    return database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=True)
