"""`receiver refused`: list rejected requests."""

from typing import Annotated

import typer

from receiver.cli.main import app, open_journal_alone
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import Column, Table, print_json, print_note
from receiver.cli.times import time_column
from storage import rejections
from storage.rejections import RejectedRequest


@app.command()
def refused(
    limit: Annotated[
        int, typer.Option(help="How many to list at most; the newest ones.", min=1, max=rejections.KEPT)
    ] = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List rejected requests, the newest first, each with its reason: for a callback that does not arrive."""
    with open_journal_alone(database_url) as database, database.read_only() as connection:
        found = rejections.latest(connection, limit)
    if as_json:
        for one in found:
            print_json(one)
    elif found:
        _table(found).print()
    if not found:
        print_note("No request was rejected.")


def _table(found: list[RejectedRequest]) -> Table:
    last, times = time_column("last", [one.at for one in found])
    table = Table(
        Column(last, rank=1),
        Column("times", rank=3, right=True),
        Column("address"),
        Column("path"),
        Column("bytes", rank=4, right=True),
        Column("reason", rank=2, prose=True),
    )
    for one, time in zip(found, times, strict=True):
        table.add(time, str(one.times), one.address, one.path, str(one.size), one.reason)
    return table
