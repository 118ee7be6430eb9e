"""`receiver reconcile`: compare the providers' call logs with the journal, and fetch what never came."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from receiver.app import Components, api_options, load_components
from receiver.cli.main import app, open_journal
from receiver.cli.options import DatabaseUrl, HandlerModules, moment
from receiver.cli.output import Column, Table, print_json, print_note, print_prose
from receiver.cli.times import time_column
from receiver.errors import SettingsError
from receiver.operations.reconcile import Comparison, Result, count
from receiver.operations.reconcile_task import NO_CALL_LOG, call_logs, make_reconcilers
from receiver.providers.base.api.clients import ApiClients
from storage import Database

AHEAD = timedelta(hours=1)
"""How far the provider's clock may be ahead of ours."""
_COLOURS = {Result.MISSING: "red", Result.FETCHED: "green", Result.DIFFERENT: "yellow", Result.ONLY_HERE: "cyan"}
_WORDS = {Result.ONLY_HERE: "only here"}


@app.command()
def reconcile(
    since: Annotated[
        datetime,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Calls that began at this time or later: ISO 8601, or an age such as 90m, 24h or 2d.",
        ),
    ],
    until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", show_default="now", help="Calls that began up to this time."),
    ] = None,
    provider: Annotated[str, typer.Option(help="Only this provider, such as voicenter.", show_default=False)] = "",
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Store what is missing, and deliver it to the handlers.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare, also with --fetch.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per record, and a summary on the last line.")
    ] = False,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
) -> None:
    """Compare a provider's call log with the journal: what never came, what is only here, and what differs.

    Exit code 1 means that records are missing in the journal, and were not fetched.
    """
    with open_journal(database_url, handlers=handlers) as (settings, database):
        components = load_components(settings)
        _check(components, provider, since)
        span = (since, until or datetime.now(UTC) + AHEAD)
        rows = asyncio.run(_run(components, database, provider.lower(), span, fetch=fetch and not dry_run))
    if as_json:
        for row in rows:
            print_json(_values(row))
        print_json({"summary": {"since": span[0].isoformat(), "until": span[1].isoformat(), **count(rows)}})
    else:
        _print(rows, is_fetching=fetch)
    if any(row.result is Result.MISSING for row in rows):
        raise typer.Exit(1)


def _check(components: Components, provider: str, since: datetime) -> None:
    """Raises SettingsError where nothing can be compared, or where too old calls would look missing."""
    found = call_logs(components.providers)
    if provider and provider.lower() not in found:
        there = f"there is {', '.join(found)}" if found else f"there is none: {NO_CALL_LOG}"
        raise SettingsError(f"--provider: the settings name no call log of {provider!r}; {there}")
    if not found:
        raise SettingsError(f"the settings name no call log: {NO_CALL_LOG}")
    days = components.settings.keep_days
    if days and since < datetime.now(UTC) - timedelta(days=days):
        raise SettingsError(f"--since: the journal keeps {days} days (keep_days), so older calls would look missing")


async def _run(
    components: Components, database: Database, provider: str, span: tuple[datetime, datetime], *, fetch: bool
) -> list[Comparison]:
    rows: list[Comparison] = []
    registry = components.registry if fetch else None
    async with ApiClients(api_options(components.settings, components.providers)) as apis:
        for reconciler in make_reconcilers(database, components.providers, apis, registry=registry):
            if provider in {"", reconciler.name}:
                rows += await reconciler.run(*span)
    return rows


def _values(row: Comparison) -> dict[str, Any]:
    leg = row.leg
    return {
        "result": row.result.value,
        "provider": row.provider,
        "call_id": leg.call_id or None,
        "type": leg.type or None,
        "started": leg.started.isoformat() if leg.started else None,
        "from_number": leg.numbers[0] or None,
        "to_number": leg.numbers[1] or None,
        "duration_seconds": leg.duration_seconds,
        "status": leg.status or None,
        "price": None if leg.price is None else str(leg.price),
        "callback_id": row.callback_id,
        "differences": {name: {"there": pair[0], "here": pair[1]} for name, pair in row.differences.items()},
    }


def _print(rows: Sequence[Comparison], *, is_fetching: bool) -> None:
    shown = [row for row in rows if row.result is not Result.BOTH]
    if shown:
        _table(shown).print()
    counts = count(rows)
    print_prose(
        f"In both: {counts['both'] + counts['different']}, of which {counts['different']} differ. "
        f"Missing: {counts['missing']}. Fetched: {counts['fetched']}. Only here: {counts['only_here']}."
    )
    if counts["missing"] and not is_fetching:
        print_note("`receiver reconcile --fetch` stores what is missing and delivers it.")


def _table(rows: Sequence[Comparison]) -> Table:
    heading, times = time_column("began", [row.leg.started for row in rows])
    table = Table(
        Column("result"), Column(heading, rank=1), Column("call"), Column("type", rank=2), Column("from", rank=3),
        Column("to", rank=3), Column("callback", rank=4, right=True), Column("differs", prose=True),
    )  # fmt: skip
    for row, time in zip(rows, times, strict=True):
        table.add(
            Text(_WORDS.get(row.result, row.result.value), style=_COLOURS.get(row.result, "")),
            time,
            row.leg.call_id,
            row.leg.type,
            *row.leg.numbers,
            str(row.callback_id or ""),
            ", ".join(f"{name} {there} there, {here} here" for name, (there, here) in row.differences.items()),
        )
    return table
