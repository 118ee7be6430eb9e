"""`receiver gaps`: calls of which something is missing, by the journal alone."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, DatabaseUrl, moment
from receiver.cli.output import Column, Table, counted, print_json, print_note
from receiver.cli.times import time_column
from receiver.components import make_providers
from receiver.operations.gaps import Gap, find_gaps

RECENT = timedelta(minutes=10)
"""Of a call that was seen so lately the rest may be on its way."""


@app.command("gaps")
def list_gaps(
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            show_default="7d",
            help="Only calls placed, or with callbacks received, at this time or later: ISO 8601, or an age: 7d.",
        ),
    ] = None,
    quiet: Annotated[
        int,
        typer.Option(min=0, metavar="MINUTES", help="Only calls placed and without a callback for so many minutes."),
    ] = 0,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List calls of which something is missing, the oldest first.

    No CDR after a hang-up or an IVR, no second leg, or no callback at all of a call that was placed by the API. Calls
    that still go on are among them, unless --quiet leaves them out.
    """
    now = datetime.now(UTC)
    with open_journal(database_url) as (settings, database):
        providers = make_providers(settings)
        with database.read_only() as connection:
            found = find_gaps(connection, providers, since or now - timedelta(days=7), now - timedelta(minutes=quiet))
    if as_json:
        for gap in found:
            print_json(_values(gap, now))
        return
    if not found:
        print_note("No call has a gap.")
        return
    _print(found, now)
    print_note(f"{counted(len(found), 'call')} with gaps.")
    if recent := sum(now - gap.call.last_at < RECENT for gap in found):
        print_note(
            f"{counted(recent, 'call')} of the last 10 minutes: the rest may come yet; --quiet 10 leaves them out."
        )


def _values(gap: Gap, now: datetime) -> dict[str, Any]:
    call = gap.call
    return {
        "provider": call.provider,
        "call_id": call.call_id,
        "missing": gap.missing,
        "kinds": list(call.kinds),
        "placed_by": gap.placed_by or None,
        "first_at": call.first_at.isoformat(),
        "last_at": call.last_at.isoformat(),
        "age_seconds": int((now - call.last_at).total_seconds()),
    }


def _print(found: list[Gap], now: datetime) -> None:
    heading, times = time_column("last seen", [gap.call.last_at for gap in found])
    table = Table(
        Column("age", right=True), Column(heading, rank=2), Column("provider", rank=3), Column("call"),
        Column("missing"), Column("has", rank=4),
    )  # fmt: skip
    for gap, time in zip(found, times, strict=True):
        call = gap.call
        table.add(_age(now - call.last_at), time, call.provider, call.call_id, gap.missing, _has(gap))
    table.print()


def _has(gap: Gap) -> str:
    return f"placed by {gap.placed_by}" if gap.placed_by else ", ".join(gap.call.kinds)


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if age < timedelta(days=2) else f"{age.days}d"
