"""`receiver backup`: write the journal to one file while receivers use it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from receiver.cli.main import app, report_errors
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import counted, print_json, print_note, print_prose
from receiver.cli.paging import step_progress
from receiver.cli.times import local_time
from receiver.components import is_sqlite, make_database
from receiver.settings import Settings, load
from storage.backup import back_up, recognise
from storage.backup_values import Contents
from storage.spool_files import count_in_all


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write. It must not exist.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the journal to one compressed file, as it is at this moment, while receivers go on. The file is verified.

    On SQLite it is the database file, compressed by Zstandard. On PostgreSQL it is an archive of pg_dump.
    """
    with report_errors():
        settings = load(database_url=database_url)
        with make_database(settings) as database, step_progress() as on_step:
            contents = back_up(database, file, on_step)
    if as_json:
        print_json(_values(file, contents))
    else:
        _print(file, contents)
    _note_spool(settings)


def _values(file: Path, contents: Contents) -> dict[str, object]:
    return {
        "file": str(file),
        "format": recognise(file).value,
        "bytes": file.stat().st_size,
        "callbacks": contents.callbacks,
        "newest": contents.newest.isoformat() if contents.newest else None,
        "revision": contents.revision,
    }


def _print(file: Path, contents: Contents) -> None:
    newest = f" up to {local_time(contents.newest)}" if contents.newest else ""
    print_prose(
        f"{file} has {counted(contents.callbacks, 'callback')}{newest}: {recognise(file)}, "
        f"{decimal(file.stat().st_size)}, read to its end. `receiver restore` restores it."
    )


def _note_spool(settings: Settings) -> None:
    """Callbacks of the spool are not in the journal yet, so they are not in its backup."""
    waiting, refused = (0, 0) if is_sqlite(settings) else count_in_all(Path(settings.spool))
    if waiting:
        print_note(
            f"The spool {settings.spool} holds {counted(waiting, 'callback')} that the backup does not have. A "
            "receiver moves them to the journal: back up again then."
        )
    if refused:
        print_note(
            f"The spool {settings.spool} keeps {counted(refused, 'callback')} that the journal rejected: copy that "
            "file too."
        )
