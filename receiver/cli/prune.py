"""`receiver prune`: delete old callbacks."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from receiver.cli.main import app, open_journal_alone
from receiver.cli.options import DatabaseUrl, moment
from receiver.cli.output import console, counted, print_prose
from receiver.cli.paging import progress_bar
from storage import Database, placed_calls, retention

BATCH = 1000


@app.command()
def prune(
    older_than: Annotated[
        datetime, typer.Option(parser=moment, metavar="TIME", help="An age such as 90d, or ISO 8601.")
    ],
    bodies_only: Annotated[
        bool, typer.Option("--bodies-only", help="Keep the rows, and blank only requests and replies.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete old callbacks with their deliveries, and the notes of placed calls.

    Callbacks with unfinished or dead deliveries are kept.
    """
    work = retention.blank if bodies_only else retention.prune
    with open_journal_alone(database_url) as database:
        with console.status("counting"), database.read_only() as connection:
            total = retention.count(connection, older_than, bodies_only=bodies_only)
        if dry_run:
            print_prose(f"{counted(total, 'callback')} would be {'blanked' if bodies_only else 'deleted'}.")
            return
        done = 0
        with progress_bar() as progress:
            task = progress.add_task("pruning", total=total)
            while count := _one_batch(database, work, older_than):
                done += count
                progress.advance(task, count)
            while not bodies_only and _one_batch(database, placed_calls.prune, older_than):
                pass
    was = "was" if done == 1 else "were"
    print_prose(f"{counted(done, 'callback')} {was} {'blanked' if bodies_only else 'deleted'}.")


def _one_batch(database: Database, work: Callable[[Connection, datetime, int], int], older_than: datetime) -> int:
    with database.begin() as connection:
        return work(connection, older_than, BATCH)
