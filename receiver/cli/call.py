"""`receiver call`: one call's story."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from receiver.app import make_providers
from receiver.cli.json_values import callback_details, event_of
from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import console, print_error, print_json, printable
from receiver.intake.suggestion import is_no_handler
from receiver.providers.base.contract import Provider
from receiver.wire.reply_values import reply_values
from storage import Delivery, StoredCallback, journal, queue
from storage.values import Filter

LIMIT = 1000
"""Callbacks of one call; a call with more is one that loops."""


@app.command()
def call(
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The provider's id of the call.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Tell a call's story: every callback that shares its id, what was answered, and who was told."""
    with open_journal(database_url) as (settings, database), database.read_only() as connection:
        providers = make_providers(settings)
        found = journal.page(connection, Filter(call_id=call_id), 0, LIMIT)
        deliveries = {callback.id: queue.of_callback(connection, callback.id) for callback in found}
    if not found:
        print_error(f"no callback has the call id {call_id}")
        raise typer.Exit(1)
    if as_json:
        for callback in found:
            print_json(callback_details(callback, deliveries[callback.id], event_of(callback, providers)))
        return
    console.print(f"[bold]call {escape(printable(call_id))}[/]: {len(found)} callbacks", highlight=False)
    for callback in found:
        _print_step(callback, deliveries[callback.id], providers)


def _print_step(callback: StoredCallback, deliveries: list[Delivery], providers: dict[str, Provider[Any]]) -> None:
    since = f"{callback.received_at.astimezone():%H:%M:%S.%f}"[:-3]
    repeat = f" (repeat of {callback.duplicate_of})" if callback.duplicate_of else ""
    console.print(
        f"\n{since}  [bold]{callback.kind or '?'}[/] {callback.outcome}{repeat}  #{callback.id}", highlight=False
    )
    for sign, values in (("←", _sent(callback, providers)), ("→", reply_values(callback.reply_body))):
        console.print(escape(printable(f"    {sign} {_in_words(values)}")), highlight=False)
    if callback.reason:
        more = f": `receiver callbacks show {callback.id}` shows how to" if is_no_handler(callback.reason) else ""
        console.print(escape(printable(f"    {callback.reason}{more}")), style="yellow", highlight=False)
    for delivery in deliveries:
        again = f" of replay {delivery.replay_id}" if delivery.replay_id else ""
        line = f"    {delivery.handler}{again}: {delivery.state}, {delivery.attempts} attempt(s) {delivery.reason}"
        console.print(escape(printable(line.rstrip())), highlight=False)


def _sent(callback: StoredCallback, providers: dict[str, Provider[Any]]) -> Any:
    event = event_of(callback, providers)
    return event if isinstance(event, str) else event.raw


def _in_words(values: Any) -> str:
    """Values on one line, what is empty left out: NAME value, NAME value."""
    if not isinstance(values, dict):
        return str(values)
    shown = {name: value for name, value in values.items() if value not in ("", None, [], {})}
    return ", ".join(
        f"{name} {_in_words(value) if isinstance(value, dict) else value}" for name, value in shown.items()
    )
