"""`receiver callbacks`: what is in the journal."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from receiver.app import make_providers
from receiver.cli.json_values import callback_details, callback_summary, event_of, event_values
from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, CallId, DatabaseUrl, Kind, Outcome, Provider, Since, Until
from receiver.cli.output import (
    as_text,
    console,
    errors,
    print_delivery,
    print_error,
    print_json,
    printable,
    printable_lines,
)
from receiver.intake.suggestion import is_no_handler, suggested_code
from receiver.providers.base import contract
from receiver.providers.base.event import Event
from storage import Delivery, StoredCallback, journal, queue
from storage.values import Filter

group = typer.Typer(no_args_is_help=True, help="Look at stored callbacks.")
app.add_typer(group, name="callbacks")


@group.command("list")
def list_callbacks(
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    outcome: Outcome = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List callbacks, the newest last."""
    wanted = Filter(provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until)
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        found = journal.find(connection, wanted, limit)[::-1]
    if as_json:
        for callback in found:
            print_json(callback_summary(callback))
        return
    console.print(_table(found))
    if len(found) == limit:
        errors.print(f"The newest {limit}; there may be more: --limit.", style="dim")


@group.command("show")
def show(
    callback_id: Annotated[int, typer.Argument(metavar="ID", help="The number that `list` shows.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show one callback: its bytes, its typed event, its reply and its deliveries."""
    with open_journal(database_url) as (settings, database), database.read_only() as connection:
        callback = journal.get(connection, callback_id)
        deliveries = queue.of_callback(connection, callback_id)
        providers = make_providers(settings)
    if callback is None:
        print_error(f"there is no callback {callback_id}; `receiver callbacks list` shows them")
        raise typer.Exit(1)
    event = event_of(callback, providers)
    if as_json:
        print_json(callback_details(callback, deliveries, event))
        return
    _print_details(callback, deliveries, event)
    if is_no_handler(callback.reason) and (code := _suggestion(callback, providers)):
        console.print("\n[bold]to answer it[/], add to a handler module:\n", highlight=False)
        console.print(escape(code), highlight=False, soft_wrap=True)


def _suggestion(callback: StoredCallback, providers: Mapping[str, contract.Provider[Any]]) -> str:
    """The code that would answer such a question; empty where its provider does not ask it any more."""
    provider = providers.get(callback.provider)
    kind = provider.kind(callback.kind) if provider else None
    return suggested_code(provider, kind) if provider and kind and kind.replies else ""


def _table(found: list[StoredCallback]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("ID", "received", "provider", "kind", "call", "outcome", "reason"):
        folds = heading in {"call", "reason"}
        table.add_column(heading, justify="right" if heading == "ID" else "left", overflow="fold", no_wrap=not folds)
    for callback in found:
        reason = f"repeat of {callback.duplicate_of}" if callback.duplicate_of else callback.reason
        table.add_row(
            str(callback.id),
            f"{callback.received_at.astimezone():%m-%d %H:%M:%S}",
            callback.provider,
            callback.kind or "?",
            escape(printable(callback.call_id)),
            f"[{_COLOURS.get(callback.outcome, 'default')}]{callback.outcome}[/]",
            escape(printable(reason)),
        )
    return table


_COLOURS = {"accepted": "green", "answered": "green", "duplicate": "cyan", "unparsed": "red", "failed": "red"}


def _print_details(callback: StoredCallback, deliveries: Sequence[Delivery], event: Event | str) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in callback_summary(callback).items():
        if value not in (None, [], ""):
            facts.add_row(
                f"[bold]{name}[/]",
                escape(printable(", ".join(value) if isinstance(value, list) else str(value))),
            )
    console.print(facts)
    query = f"?{as_text(callback.query)}" if callback.query else ""
    console.print(f"\n[bold]{callback.method} {escape(printable(callback.path + query))}[/]", highlight=False)
    for name, value in callback.headers:
        console.print(escape(printable(f"{name}: {value}")), highlight=False)
    console.print(f"\n{escape(printable_lines(as_text(callback.body)))}", highlight=False, soft_wrap=True)
    _print_event(event)
    console.print(f"\n[bold]reply {callback.reply_status}[/] {escape(callback.reply_type)}", highlight=False)
    console.print(escape(printable_lines(as_text(callback.reply_body))), highlight=False, soft_wrap=True)
    if callback.call_state is not None:
        console.print("\n[bold]state of the call[/]", highlight=False)
        console.print(escape(printable_lines(as_text(callback.call_state))), highlight=False, soft_wrap=True)
    for delivery in deliveries:
        print_delivery(delivery)


def _print_event(event: Event | str) -> None:
    """The event's fields as a table; those that nothing was sent for are left out."""
    if isinstance(event, str):
        console.print(f"\n[bold]no event[/]: {escape(printable(event))}", highlight=False)
        return
    console.print(f"\n[bold]event {type(event).__name__}[/]", highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    values = event_values(event)
    extra, unread = values.pop("extra"), values.pop("unread")
    for name in type(event).model_fields:
        if values.get(name) not in (None, "", [], {}):
            table.add_row(name, escape(printable(_shown(values[name]))))
    for name, value in extra.items():
        table.add_row(f"extra: {escape(printable(name))}", escape(printable(_shown(value))))
    if unread:
        table.add_row("[yellow]unread[/]", escape(printable(", ".join(unread))))
    console.print(table)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
