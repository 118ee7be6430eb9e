"""`receiver replay`: deliver or post stored callbacks again, or compare answers."""

import asyncio
import time
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from receiver.app import open_responder
from receiver.cli.auditing import COMPARE, REPLAY, current_user, record
from receiver.cli.filters import callback_filter, described
from receiver.cli.main import app, open_journal
from receiver.cli.options import CallId, DatabaseUrl, HandlerModules, Kind, Outcome, Provider, Since, Until
from receiver.cli.output import Column, Table, console, counted, errors, print_error, print_prose, printable
from receiver.cli.paging import pages_with_progress
from receiver.cli.times import time_column
from receiver.components import load_components
from receiver.errors import SettingsError
from receiver.intake.call_history import CallHistories
from receiver.operations.redelivery import Difference, Posted, compare, planned_deliveries, post_again
from receiver.plugins.registry import Registry
from receiver.settings import Settings
from storage import Database, journal, replays
from storage.enqueue import enqueue
from storage.values import Filter

SHOWN = 5
"""How many callbacks a dry run lists."""


@app.command()
def replay(
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    outcome: Outcome = "",
    since: Since = None,
    until: Until = None,
    handler: Annotated[str, typer.Option(help="Only to this handler.", show_default=False)] = "",
    to: Annotated[str, typer.Option(help="Post the stored requests to this address instead.", show_default=False)] = "",
    diff: Annotated[
        bool, typer.Option("--diff", help="Answer stored questions with today's handlers and show what differs.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0, help="Callbacks per second at most; 0 is no limit.")] = 0.0,
    why: Annotated[str, typer.Option(help="The reason, stored with the replay.", show_default=False)] = "",
    everything: Annotated[bool, typer.Option("--all", help="Replay every stored callback, without a filter.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count, and list the first callbacks.")] = False,
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
) -> None:
    """Replay stored callbacks: to handlers, to a URL (--to), or to compare today's answers (--diff).

    Callbacks are parsed again from their stored bytes. A running receiver runs the deliveries. Exit code 1 means that
    no callback matched, or that an answer differed.
    """
    _check_options(handler, to, diff=diff, rate=rate, why=why)
    if not (any((provider, kind, call_id, outcome, since, until)) or everything or dry_run or diff):
        raise typer.BadParameter("choose callbacks with --kind, --since or another filter, or all of them with --all")
    with open_journal(database_url, handlers=handlers) as (settings, database):
        if handler:
            _check_handler(load_components(settings).registry, handler)
        with database.read_only() as connection:
            wanted = callback_filter(
                connection, provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until
            )
        total = _count(database, wanted)
        if dry_run:
            _show_plan(database, wanted, total)
        elif diff:
            record(database, COMPARE, described(wanted) or "everything", total)
            _diff(settings, database, wanted)
        elif to:
            record(database, REPLAY, f"{described(wanted) or 'everything'} to {urlsplit(to).hostname}", total)
            _post(database, wanted, to, rate)
        else:
            _deliver(settings, database, wanted, total, handler=handler, rate=rate, why=why)


def _check_options(handler: str, to: str, *, diff: bool, rate: float, why: str) -> None:
    if (handler and (to or diff)) or (diff and (to or rate or why)):
        raise typer.BadParameter("--handler excludes --to and --diff, and --diff excludes --to, --rate and --why")
    if to and not to.startswith(("http://", "https://")):
        raise typer.BadParameter("--to takes an address such as https://staging.example.com, with its secret if any")


def _count(database: Database, wanted: Filter) -> int:
    """How many callbacks match; if there are none, exit with code 1."""
    with database.read_only() as connection:
        total = journal.count(connection, wanted)
    if not total:
        filters = described(wanted)
        print_error(f"no callback matches {filters}" if filters else "no callback is stored yet")
        raise typer.Exit(1)
    return total


def _show_plan(database: Database, wanted: Filter, total: int) -> None:
    with database.read_only() as connection:
        first = journal.page(connection, wanted, 0, SHOWN)
    print_prose(f"{counted(total, 'callback')} {'matches' if total == 1 else 'match'}; nothing was replayed.")
    received, times = time_column("received", [callback.received_at for callback in first])
    table = Table(Column("ID", right=True), Column(received, rank=1), Column("kind"), Column("call"), indent=2)
    for callback, at in zip(first, times, strict=True):
        table.add(str(callback.id), at, callback.kind or "?", callback.call_id)
    table.print()
    if total > len(first):
        print_prose(f"  … and {total - len(first)} more")


def _deliver(
    settings: Settings, database: Database, wanted: Filter, total: int, *, handler: str, rate: float, why: str
) -> None:
    components = load_components(settings)
    replay_id = None
    made = asked = 0
    for page in pages_with_progress(database, wanted, "replaying"):
        planned = [
            delivery
            for callback in page
            for delivery in planned_deliveries(components.providers, components.registry, callback, handler)
        ]
        if not planned:
            continue
        with database.begin() as connection:
            if replay_id is None:
                what = described(wanted) or "everything"
                replay_id = replays.begin(connection, who=current_user(), why=why, what=what)
            found = [
                replace(delivery, after_seconds=number / rate if rate else 0.0, replay_id=replay_id)
                for number, delivery in enumerate(planned, asked)
            ]
            made += enqueue(connection, found)[0]
        asked += len(planned)
    if replay_id is not None and not made:
        with database.begin() as connection:
            replays.remove(connection, replay_id)
    if made:
        record(database, REPLAY, f"{described(wanted) or 'everything'}, replay {replay_id}", total)
    _report(replay_id, made, asked, handler)


def _check_handler(registry: Registry, handler: str) -> None:
    if handler not in registry.listener_names:
        names = ", ".join(sorted(registry.listener_names)) or "none"
        known = registry.named(handler)
        why = "answers questions and gets no deliveries" if known else "is not loaded"
        raise SettingsError(f"--handler: {handler} {why}; handlers that listen: {names}")


def _report(replay_id: int | None, made: int, asked: int, handler: str) -> None:
    if not asked:
        listens = f"{handler} listens to none" if handler else "no handler listens to any"
        print_error(
            f"nothing was replayed: {listens} of these callbacks. Questions and repeats are not delivered; "
            "`receiver check` lists what each handler listens to"
        )
        raise typer.Exit(1)
    if made:
        due = "is" if made == 1 else "are"
        print_prose(f"replay {replay_id}: {counted(made, 'delivery')} {due} due; a running receiver runs them.")
    if asked > made:
        print_prose(f"{counted(asked - made, 'delivery')} existed already: the callback still waits for that handler.")


def _post(database: Database, wanted: Filter, to: str, rate: float) -> None:
    counts = dict.fromkeys(Posted, 0)
    for page in pages_with_progress(database, wanted, "posting"):
        for callback in page:
            began = time.monotonic()
            posted, said = post_again(callback, to)
            counts[posted] += 1
            if posted in {Posted.DIFFERENT, Posted.FAILED}:
                print_prose(f"callback {callback.id}: {posted.value}: {said}", to=errors)
            if rate:
                time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))
    print_prose(", ".join(f"{count} {posted.value}" for posted, count in counts.items()))
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
    print_prose(f"{same} answered as before, {different} differently")
    if skipped:
        print_prose(f"{skipped} skipped: they are no questions, or cannot be parsed any more")
    if different:
        raise typer.Exit(1)


def _print_difference(difference: Difference) -> None:
    callback = difference.callback
    title = f"callback {callback.id} ({callback.kind}, call {callback.call_id}) differs:"
    print_prose(title, style="bold")
    for line in difference.lines:
        style = {"+": "green", "-": "red"}.get(line[:1])
        console.print(escape(printable(line)), style=style, highlight=False, soft_wrap=True)
