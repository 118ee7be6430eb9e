"""`receiver audit`: who looked at, exported, replayed or erased stored callbacks."""

from datetime import datetime
from typing import Annotated

import typer

from receiver.cli.auditing import ACTIONS
from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, DatabaseUrl, Limit, moment
from receiver.cli.output import Column, Table, print_json, print_note
from receiver.cli.times import time_column
from storage import audit as trail


def _action(text: str) -> str:
    if text.lower() not in {"", *ACTIONS}:
        raise typer.BadParameter(f"there is no action {text!r}; there are {', '.join(ACTIONS)}")
    return text.lower()


@app.command("audit")
def list_audit(
    action: Annotated[
        str,
        typer.Option(
            help=f"Only this action: {', '.join(ACTIONS)}.", parser=_action, metavar="ACTION", show_default=False
        ),
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Only lines written at this time or later: ISO 8601, or an age such as 90m, 24h or 7d.",
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="Only lines written before this time.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List who looked at, exported, replayed or erased stored callbacks, the newest last."""
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        found = trail.find(connection, limit, action=action, since=since, until=until)[::-1]
    if as_json:
        for line in found:
            values = {name: getattr(line, name) for name in trail.AuditLine.__dataclass_fields__}
            print_json({**values, "at": line.at.isoformat()})
        return
    if not found:
        print_note("The audit trail has no such line.")
        return
    heading, times = time_column("at", [line.at for line in found])
    table = Table(
        Column(heading), Column("who", rank=1), Column("action"), Column("callbacks", right=True, rank=2),
        Column("about", prose=True),
    )  # fmt: skip
    for line, at in zip(found, times, strict=True):
        table.add(at, line.who, line.action, str(line.callbacks), line.about)
    table.print()
    if len(found) == limit:
        print_note(f"These are the newest {limit}. There may be more: see --limit.")
