"""`receiver callbacks`: list stored callbacks, and show one."""

from typing import Annotated

import typer
from rich.text import Text

from receiver.cli.auditing import SHOW, record
from receiver.cli.filters import callback_filter, described
from receiver.cli.main import app, open_journal, open_journal_alone
from receiver.cli.options import AsJson, CallId, DatabaseUrl, Kind, Limit, Outcome, Provider, Since, Until
from receiver.cli.output import Column, Table, print_error, print_json, print_note
from receiver.cli.row_values import callback_summary
from receiver.cli.times import time_column
from storage import StoredCallback, journal, queue

group = typer.Typer(no_args_is_help=True, help="List stored callbacks, and show one.")
app.add_typer(group, name="callbacks")


@group.command("list")
def list_callbacks(
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    outcome: Outcome = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List stored callbacks, the newest last."""
    with open_journal_alone(database_url) as database, database.read_only() as connection:
        wanted = callback_filter(
            connection, provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until
        )
        found = journal.find(connection, wanted, limit)[::-1]
    if not found:
        print_note(_nothing_found(described(wanted)))
    if as_json:
        for callback in found:
            print_json(callback_summary(callback))
        return
    if found:
        _table(found).print()
    if len(found) == limit:
        print_note(f"These are the newest {limit}. There may be more: see --limit.")


@group.command("show")
def show(
    callback_id: Annotated[int, typer.Argument(metavar="ID", help="The number that `list` shows.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show one callback: the request as it was sent, its event, the reply and the deliveries."""
    from receiver.cli.callback_details import print_callback
    from receiver.components import make_providers

    with open_journal(database_url) as (settings, database):
        with database.read_only() as connection:
            callback = journal.get(connection, callback_id)
            deliveries = queue.of_callback(connection, callback_id)
        providers = make_providers(settings)
        if callback is not None:
            record(database, SHOW, f"callback {callback_id}")
    if callback is None:
        print_error(f"there is no callback {callback_id}; `receiver callbacks list` shows them")
        raise typer.Exit(1)
    print_callback(callback, deliveries, providers, as_json=as_json)


def _nothing_found(filters: str) -> str:
    if filters:
        return f"No callback matches {filters}."
    return "No callback is stored yet. `receiver send cdr` sends a sample to a running receiver."


def _table(found: list[StoredCallback]) -> Table:
    received, times = time_column("received", [callback.received_at for callback in found])
    table = Table(
        Column("ID", right=True),
        Column(received, rank=1),
        Column("provider", rank=4),
        Column("kind", rank=2),
        Column("call"),
        Column("outcome"),
        Column("reason", rank=3, prose=True),
    )
    for callback, time in zip(found, times, strict=True):
        table.add(
            str(callback.id),
            time,
            callback.provider,
            callback.kind or "?",
            callback.call_id,
            Text(callback.outcome, style=_COLOURS.get(callback.outcome, "")),
            _reason(callback),
        )
    return table


def _reason(callback: StoredCallback) -> str:
    repeat = f"repeat of {callback.duplicate_of}" if callback.duplicate_of else ""
    return ": ".join(filter(None, (repeat, callback.reason)))


_COLOURS = {"accepted": "green", "answered": "green", "duplicate": "cyan", "unparsed": "red", "failed": "red"}
