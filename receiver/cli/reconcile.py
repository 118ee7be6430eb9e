"""`receiver reconcile`: compare the providers' call logs with the journal, and fetch what never came."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from receiver.cli.main import app, open_journal
from receiver.cli.options import DatabaseUrl, HandlerModules, moment
from receiver.cli.output import Column, Table, errors, print_error, print_json, print_note, print_prose
from receiver.cli.times import local_time, time_column
from receiver.components import Components, api_options, load_components
from receiver.errors import ReceiverError, SettingsError
from receiver.operations.reconcile import Comparison, Reconciler, Result, Span, count
from receiver.operations.reconcile_task import NO_CALL_LOG, call_logs, make_reconcilers
from receiver.providers.base.api.clients import ApiClients
from storage import Database, StoreError

AHEAD = timedelta(hours=1)
"""How far the provider's clock may be ahead of ours."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""
_COLOURS = {
    Result.MISSING: "red",
    Result.FETCHED: "green",
    Result.DIFFERENT: "yellow",
    Result.UNIDENTIFIED: "magenta",
    Result.ONLY_HERE: "cyan",
}
_WORDS = {Result.ONLY_HERE: "only here", Result.UNIDENTIFIED: "no call id"}


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

    Exit code 1 means that records are missing in the journal, and were not fetched. After Ctrl-C, the last line says
    how to go on.
    """
    report = _Report(as_json=as_json, is_fetching=fetch)
    with open_journal(database_url, handlers=handlers) as (settings, database):
        components = load_components(settings)
        _check(components, provider, since)
        span = (since, until or datetime.now(UTC) + AHEAD)
        try:
            asyncio.run(_run(components, database, provider.lower(), span, report, fetch=fetch and not dry_run))
        except (ReceiverError, StoreError):
            report.print_stop(since)
            raise
        except KeyboardInterrupt:
            report.print_stop(since)
            raise typer.Exit(INTERRUPTED) from None
    report.print_end(span)
    if report.counts[Result.MISSING] or report.counts[Result.UNIDENTIFIED]:
        raise typer.Exit(1)


@dataclass
class _Report:
    """What was found so far. As JSON each span is printed at once; a table needs all rows, but not those in both."""

    as_json: bool
    is_fetching: bool
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[Comparison] = field(default_factory=list)
    provider: str = ""
    reached: datetime | None = None

    def begin(self, provider: str) -> None:
        """The next spans are of this provider."""
        self.provider, self.reached = provider, None

    def add(self, span: Span) -> None:
        """Take the next span."""
        self.counts.update(count(span.rows))
        self.reached = span.reached
        if self.as_json:
            for row in span.rows:
                print_json(_values(row))
            sys.stdout.flush()
        else:
            self.shown += [row for row in span.rows if row.result is not Result.BOTH]

    def print_end(self, span: tuple[datetime, datetime]) -> None:
        """The table and the summary."""
        if self.as_json:
            counts = {result.value: self.counts[result] for result in Result}
            print_json({"summary": {"since": span[0].isoformat(), "until": span[1].isoformat(), **counts}})
            return
        self._print_table()
        if self.counts[Result.MISSING] and not self.is_fetching:
            print_note("`receiver reconcile --fetch` stores what is missing and delivers it.")

    def print_stop(self, since: datetime) -> None:
        """Where an interrupted run has stopped; what it has fetched is stored."""
        if not self.as_json and self.counts.total():
            self._print_table()
        reached = max(since, self.reached or since).isoformat(timespec="seconds")
        done = f"its calls before {reached} are compared" if self.reached else "none of its calls are compared"
        print_error(
            f"stopped in the call log of {self.provider or 'the provider'}: {done}; go on with --since {reached}"
        )

    def _print_table(self) -> None:
        if self.shown:
            _table(self.shown).print()
        counts = self.counts
        print_prose(
            f"In both: {counts['both'] + counts['different']}, of which {counts['different']} differ. "
            f"Missing: {counts['missing']}. Fetched: {counts['fetched']}. Only here: {counts['only_here']}."
        )
        if number := counts[Result.UNIDENTIFIED]:
            print_prose(f"In the call log without a call id, so not fetched: {number}.")


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
    components: Components,
    database: Database,
    provider: str,
    span: tuple[datetime, datetime],
    report: _Report,
    *,
    fetch: bool,
) -> None:
    registry = components.registry if fetch else None
    async with ApiClients(api_options(components.settings, components.providers)) as apis:
        for reconciler in make_reconcilers(database, components.providers, apis, registry=registry):
            if provider in {"", reconciler.name}:
                await _compare(reconciler, span, report)


async def _compare(reconciler: Reconciler, span: tuple[datetime, datetime], report: _Report) -> None:
    """One provider; on a terminal a line says how far it is."""
    report.begin(reconciler.name)
    with errors.status(f"{reconciler.name}: reading the call log") as status:
        async for part in reconciler.spans(*span):
            report.add(part)
            status.update(f"{reconciler.name}: compared up to {local_time(part.reached)}")


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
