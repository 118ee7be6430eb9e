"""`receiver restore`: put a backup in the place of a journal."""

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import counted, print_note, print_prose
from receiver.cli.paging import step_progress
from receiver.cli.times import local_time
from receiver.components import is_sqlite, make_database
from receiver.settings import Settings, load
from storage import Database, queue
from storage.backup import recognise
from storage.backup import restore as restore_backup
from storage.backup_moving import restore_to_postgresql
from storage.backup_values import BackupFormat, Contents, OnStep
from storage.spool import count_in


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `receiver backup` wrote.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a journal that has callbacks.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Restore a journal from a backup. Stop the receivers that use the database first.

    The whole file is checked before anything is replaced. Deliveries that were not finished are due again.
    A backup of SQLite can also be restored to an empty PostgreSQL database.
    """
    with report_errors():
        settings = load(database_url=database_url)
        with make_database(settings) as database:
            with step_progress() as on_step:
                contents = _restored(file, database, on_step, overwrite=overwrite)
            newest = f" up to {local_time(contents.newest)}" if contents.newest else ""
            print_prose(f"{database.place} has {counted(contents.callbacks, 'callback')}{newest}.")
            _note_open_deliveries(database)
    _note_spool(settings)


def _restored(file: Path, database: Database, on_step: OnStep, *, overwrite: bool) -> Contents:
    if recognise(file) is BackupFormat.SQLITE and not database.is_sqlite:
        return restore_to_postgresql(file, database, on_step)
    return restore_backup(file, database, on_step, overwrite=overwrite)


def _note_open_deliveries(database: Database) -> None:
    with database.read_only() as connection:
        waiting = sum(queue.unfinished(connection).values())
    if waiting:
        print_note(
            f"{counted(waiting, 'delivery')} of them {'was' if waiting == 1 else 'were'} not finished when the backup "
            "was made. The next receiver runs them, also if they were finished later: `receiver deliveries drop "
            "--state due` drops them."
        )


def _note_spool(settings: Settings) -> None:
    waiting, _ = (0, 0) if is_sqlite(settings) else count_in(Path(settings.spool))
    if waiting:
        print_note(
            f"The spool {settings.spool} holds {counted(waiting, 'callback')}: the next receiver moves those that the "
            "journal does not have."
        )
