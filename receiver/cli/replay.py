"""`receiver replay`: give stored callbacks to handlers or to a URL again, or compare answers."""

import asyncio
import getpass
import os
import time
from dataclasses import replace
from typing import Annotated

import typer
from rich.markup import escape

from receiver.app import load_components, open_responder
from receiver.cli.main import app, open_journal
from receiver.cli.options import CallId, DatabaseUrl, HandlerModules, Kind, Outcome, Provider, Since, Until
from receiver.cli.output import console, errors, print_error, printable
from receiver.cli.paging import pages_with_progress
from receiver.intake.call_history import CallHistories
from receiver.operations.replay import Difference, Posted, compare, planned_deliveries, post_again
from receiver.settings import Settings
from storage import Database, journal, replays
from storage.enqueue import enqueue
from storage.values import Filter

SHOWN = 5
"""How many callbacks a dry run shows."""


@app.command()
def replay(
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    outcome: Outcome = "",
    since: Since = None,
    until: Until = None,
    handler: Annotated[str, typer.Option(help="Only to this handler.", show_default=False)] = "",
    to: Annotated[str, typer.Option(help="Post the stored bytes to this address instead.", show_default=False)] = "",
    diff: Annotated[bool, typer.Option("--diff", help="Answer stored questions anew and show what differs.")] = False,
    rate: Annotated[float, typer.Option(min=0, help="Callbacks a second at most; 0 for no limit.")] = 0.0,
    why: Annotated[str, typer.Option(help="Kept with the replay.", show_default=False)] = "",
    everything: Annotated[bool, typer.Option("--all", help="Replay the whole journal: no filter is meant.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count, and show the first few.")] = False,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
) -> None:
    """Replay stored callbacks: to handlers, to a URL (--to), or as a test of today's answers (--diff).

    Callbacks are read again from their bytes by today's code. A running receiver does the deliveries.
    """
    if (handler and (to or diff)) or (diff and (to or rate or why)):
        raise typer.BadParameter(
            "--handler goes with deliveries, --rate and --why not with --diff, and --to not with it"
        )
    wanted = Filter(provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until)
    if not (vars_of(wanted) or everything or dry_run or diff):
        raise typer.BadParameter("say what to replay, with --kind, --since or another filter; or all of it with --all")
    if to and not to.startswith(("http://", "https://")):
        raise typer.BadParameter("--to is an address like https://staging.example.com, with the secret if it has one")
    with open_journal(database_url, handlers=handlers) as (settings, database):
        if dry_run:
            _show_plan(database, wanted)
        elif diff:
            _diff(settings, database, wanted)
        elif to:
            _post(database, wanted, to, rate)
        else:
            _deliver(settings, database, wanted, handler, rate, why)


def _show_plan(database: Database, wanted: Filter) -> None:
    with database.read_only() as connection:
        total = journal.count(connection, wanted)
        first = journal.page(connection, wanted, 0, SHOWN)
    console.print(f"{total} callback(s) match; nothing was done.", highlight=False)
    for callback in first:
        line = f"  {callback.id}  {callback.received_at:%Y-%m-%d %H:%M:%S}  {callback.kind or '?'}  {callback.call_id}"
        console.print(escape(printable(line)), highlight=False)
    if total > len(first):
        console.print(f"  … and {total - len(first)} more", highlight=False)


def _deliver(settings: Settings, database: Database, wanted: Filter, handler: str, rate: float, why: str) -> None:
    components = load_components(settings)
    if handler and handler not in components.registry:
        print_error(f"no handler is named {handler}; `receiver check` lists them")
        raise typer.Exit(2)
    what = ", ".join(f"{name}={value}" for name, value in vars_of(wanted).items()) or "everything"
    with database.begin() as connection:
        replay_id = replays.begin(connection, who=_user(), why=why, what=what)
    made = asked = 0
    for page in pages_with_progress(database, wanted, "replaying"):
        found = []
        for callback in page:
            for planned in planned_deliveries(components.providers, components.registry, callback, handler):
                after = asked / rate if rate else 0.0
                found.append(replace(planned, after_seconds=after, replay_id=replay_id))
                asked += 1
        with database.begin() as connection:
            made += enqueue(connection, found)[0]
    console.print(f"replay {replay_id}: {made} deliveries are due; a running receiver does them.", highlight=False)
    if asked > made:
        console.print(f"{asked - made} were left out: they wait already.", highlight=False)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"  # no name belongs to it, as in some containers


def vars_of(wanted: Filter) -> dict[str, str]:
    """The filters that are set, by name."""
    values = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
    return {name: str(value) for name, value in values.items() if value}


def _post(database: Database, wanted: Filter, to: str, rate: float) -> None:
    counts = dict.fromkeys(Posted, 0)
    for page in pages_with_progress(database, wanted, "posting"):
        for callback in page:
            began = time.monotonic()
            posted, said = post_again(callback, to)
            counts[posted] += 1
            if posted in {Posted.DIFFERENT, Posted.FAILED}:
                errors.print(escape(printable(f"callback {callback.id}: {posted.value}: {said}")), highlight=False)
            if rate:
                time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))
    console.print(", ".join(f"{count} {posted.value}" for posted, count in counts.items()), highlight=False)
    if counts[Posted.DIFFERENT] or counts[Posted.FAILED]:
        raise typer.Exit(1)


def _diff(settings: Settings, database: Database, wanted: Filter) -> None:
    components = load_components(settings)

    async def compare_all() -> tuple[int, int, int]:
        same = different = skipped = 0
        async with open_responder(components, CallHistories(database.read, components.registry)) as answering:
            for page in pages_with_progress(database, wanted, "comparing"):
                for callback in page:
                    found = await compare(components.providers, answering, callback)
                    if isinstance(found, Difference):
                        different += 1
                        _print_difference(found)
                    elif found:
                        same += 1
                    else:
                        skipped += 1
        return same, different, skipped

    same, different, skipped = asyncio.run(compare_all())
    console.print(f"{same} answered as before, {different} differently", highlight=False)
    if skipped:
        console.print(f"{skipped} passed over: no questions, or no longer readable", highlight=False)
    if different:
        raise typer.Exit(1)


def _print_difference(difference: Difference) -> None:
    callback = difference.callback
    title = f"callback {callback.id} ({callback.kind}, call {callback.call_id}) differs:"
    console.print(f"[bold]{escape(printable(title))}[/]", highlight=False)
    for line in difference.lines:
        style = {"+": "green", "-": "red"}.get(line[:1])
        console.print(escape(printable(line)), style=style, highlight=False)
