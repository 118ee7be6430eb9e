"""`receiver deliveries`: the waiting and the dead."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from receiver.cli.json_values import delivery_values
from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, CallId, DatabaseUrl, Kind, Outcome, Provider, Since, Until
from receiver.cli.output import console, print_delivery, print_error, print_json, printable
from storage import State, queue, queue_admin, replays
from storage.values import Filter

group = typer.Typer(no_args_is_help=True, help="Look at deliveries, revive the dead, drop what is not wanted.")
app.add_typer(group, name="deliveries")

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Delivery numbers; else use the filters.")]
States = Annotated[
    list[State] | None,
    typer.Option("--state", help="Only in this state; may be given several times.", show_default=False),
]
HandlerName = Annotated[str, typer.Option("--handler", help="Only for this handler.", show_default=False)]


@group.command("list")
def list_deliveries(
    state: States = None,
    handler: HandlerName = "",
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
    """List deliveries, the newest last: without --state those that wait, run or are dead."""
    about = Filter(provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until)
    states = state or [State.DUE, State.RUNNING, State.DEAD]
    wanted = queue_admin.DeliveryFilter(states=states, handler=handler, callbacks=about)
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        found = queue_admin.find(connection, wanted, limit)[::-1]
    if as_json:
        for delivery, callback in found:
            about_it = {"provider": callback.provider, "kind": callback.kind, "call_id": callback.call_id or None}
            print_json({**delivery_values(delivery), "callback_id": delivery.callback_id, **about_it})
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("ID", "state", "handler", "callback", "kind", "call", "attempts", "due", "reason"):
        table.add_column(heading, overflow="fold")
    for delivery, callback in found:
        table.add_row(
            str(delivery.id),
            delivery.state,
            escape(delivery.handler),
            str(callback.id),
            callback.kind or "?",
            escape(printable(callback.call_id)),
            str(delivery.attempts),
            f"{delivery.due_at.astimezone():%m-%d %H:%M:%S}" if delivery.due_at else "",
            escape(printable(delivery.reason)),
        )
    console.print(table)


@group.command("show")
def show(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="The number that `list` shows.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show one delivery with each attempt that failed."""
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        delivery = queue.get(connection, delivery_id)
        origin = replays.describe(connection, delivery.replay_id) if delivery and delivery.replay_id else ""
    if delivery is None:
        print_error(f"there is no delivery {delivery_id}; `receiver deliveries list` shows them")
        raise typer.Exit(1)
    if as_json:
        print_json({**delivery_values(delivery), "callback_id": delivery.callback_id})
        return
    console.print(f"for callback {delivery.callback_id}", highlight=False)
    if origin:
        console.print(escape(printable(origin)), highlight=False)
    print_delivery(delivery)


@group.command("retry")
def retry(
    ids: Ids = None,
    state: States = None,
    handler: HandlerName = "",
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    since: Since = None,
    until: Until = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make dead deliveries due now, with all their tries before them; with --state also waiting or dropped ones."""
    about = Filter(provider=provider, kind=kind, call_id=call_id, since=since, until=until)
    states = state or ([State.DEAD] if not ids else [])
    wanted = queue_admin.DeliveryFilter(ids=ids or (), states=states, handler=handler, callbacks=about)
    with open_journal(database_url) as (_, database), database.begin() as connection:
        count = queue_admin.requeue(connection, wanted)
    console.print(f"{count} deliveries are due now; a running receiver does them.", highlight=False)


@group.command("drop")
def drop(
    ids: Ids = None,
    state: States = None,
    handler: HandlerName = "",
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    since: Since = None,
    until: Until = None,
    why: Annotated[str, typer.Option(help="Kept with the delivery.")] = "dropped by hand",
    database_url: DatabaseUrl = None,
) -> None:
    """Give deliveries up on purpose: dead ones, or with --state due also waiting ones."""
    about = Filter(provider=provider, kind=kind, call_id=call_id, since=since, until=until)
    states = state or ([State.DEAD] if not ids else [])
    wanted = queue_admin.DeliveryFilter(ids=ids or (), states=states, handler=handler, callbacks=about)
    with open_journal(database_url) as (_, database), database.begin() as connection:
        count = queue_admin.drop(connection, wanted, why)
    console.print(f"{count} deliveries were dropped.", highlight=False)
