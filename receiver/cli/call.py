"""`receiver call`: one call's story."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from receiver.app import make_providers
from receiver.cli.callbacks import details, printable
from receiver.cli.main import AsJson, DatabaseUrl, app, console, errors, open_journal, print_json
from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.operations.replay import reply_values
from receiver.providers.base.contract import Provider
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
        told = {callback.id: queue.of_callback(connection, callback.id) for callback in found}
    if not found:
        errors.print(f"[bold red]error:[/] no callback has the call id {escape(call_id)}", highlight=False)
        raise typer.Exit(1)
    if as_json:
        for callback in found:
            print_json(details(callback, told[callback.id]))
        return
    console.print(f"[bold]call {escape(printable(call_id))}[/]: {len(found)} callbacks", highlight=False)
    for callback in found:
        _tell(callback, told[callback.id], providers)


def _tell(callback: StoredCallback, told: list[Delivery], providers: dict[str, Provider[Any]]) -> None:
    since = f"{callback.received_at.astimezone():%H:%M:%S.%f}"[:-3]
    repeat = f" (repeat of {callback.duplicate_of})" if callback.duplicate_of else ""
    console.print(
        f"\n{since}  [bold]{callback.kind or '?'}[/] {callback.outcome}{repeat}  #{callback.id}", highlight=False
    )
    for sign, values in (("←", _sent(callback, providers)), ("→", reply_values(callback.reply_body))):
        console.print(escape(printable(f"    {sign} {_in_words(values)}")), highlight=False)
    if callback.reason:
        console.print(escape(printable(f"    {callback.reason}")), style="yellow", highlight=False)
    for delivery in told:
        again = f" of replay {delivery.replay_id}" if delivery.replay_id else ""
        line = f"    {delivery.handler}{again}: {delivery.state}, {delivery.attempts} attempt(s) {delivery.reason}"
        console.print(escape(printable(line.rstrip())), highlight=False)


def _sent(callback: StoredCallback, providers: dict[str, Provider[Any]]) -> Any:
    try:
        return reread(providers[callback.provider], callback).raw
    except (KeyError, PayloadError) as error:
        return str(error)


def _in_words(values: Any) -> str:
    """Values on one line, what is empty left out: NAME value, NAME value."""
    if not isinstance(values, dict):
        return str(values)
    shown = {name: value for name, value in values.items() if value not in ("", None, [], {})}
    return ", ".join(
        f"{name} {_in_words(value) if isinstance(value, dict) else value}" for name, value in shown.items()
    )
