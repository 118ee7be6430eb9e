"""`receiver refused`: requests that were not let in."""

from typing import Annotated

import typer
from rich.table import Table

from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import console, print_json, printable
from storage import rejections


@app.command()
def refused(
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=rejections.KEPT)] = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List requests that were not let in, and why: for a callback that does not arrive. No body is kept."""
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        found = rejections.latest(connection, limit)
    if as_json:
        for one in found:
            print_json(one)
        return
    if not found:
        console.print("Nothing was refused.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("last", "times", "address", "path", "bytes", "why"):
        table.add_column(heading, justify="right" if heading in {"times", "bytes"} else "left", overflow="fold")
    for one in found:
        when = one.at.astimezone().isoformat(sep=" ", timespec="seconds")
        table.add_row(when, str(one.times), one.address, printable(one.path), str(one.size), one.reason)
    console.print(table)
