"""`receiver call`: the history of one stored call."""

import asyncio
import sys
from typing import Annotated, Any

import typer

from receiver.cli.auditing import SHOW, record
from receiver.cli.json_values import callback_details, event_of
from receiver.cli.main import app, open_journal, report_errors
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import console, counted, print_error, print_json, print_prose
from receiver.cli.times import local_time
from receiver.components import make_providers
from receiver.errors import SettingsError
from receiver.intake.suggestion import is_no_handler
from receiver.providers.base.contract import Provider
from receiver.wire.reply_values import reply_values
from storage import Delivery, StoredCallback, journal, queue
from storage.values import Filter

LIMIT = 1000
"""Callbacks of one call that are shown; a call with more repeats itself."""


@app.command()
def call(
    call_id: Annotated[str, typer.Argument(metavar="ID", help="The provider's id of the call.")],
    as_json: AsJson = False,
    as_scenario: Annotated[
        bool, typer.Option("--as-scenario", help="Print the call as a scenario, a test that `receiver test` runs.")
    ] = False,
    mask: Annotated[
        bool, typer.Option("--mask", help="With --as-scenario: replace the customer's number and name.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show the history of a stored call: its requests, the replies, and which handlers got them. It places no call."""
    with open_journal(database_url) as (settings, database):
        providers = make_providers(settings)
        with database.read_only() as connection:
            found = journal.page(connection, Filter(call_id=call_id), 0, LIMIT)
            deliveries = {callback.id: queue.of_callback(connection, callback.id) for callback in found}
        if found:
            record(database, SHOW, f"call {call_id}", len(found))
    if not found:
        print_error(f"no callback has the call id {call_id}; `receiver callbacks list` shows the call ids")
        raise typer.Exit(1)
    if as_scenario:
        _print_scenario(providers, found, [one for group in deliveries.values() for one in group], mask=mask)
        return
    if as_json:
        for callback in found:
            print_json(callback_details(callback, deliveries[callback.id], event_of(callback, providers)))
        return
    print_prose(f"call {call_id}: {counted(len(found), 'callback')}", style="bold")
    for callback in found:
        _print_step(callback, deliveries[callback.id], providers)


def _print_scenario(
    providers: dict[str, Provider[Any]], found: list[StoredCallback], deliveries: list[Delivery], *, mask: bool
) -> None:
    """Write the scenario to standard output, as it would stand in a file."""
    from receiver.scenarios.from_journal import scenario_of_call
    from receiver.scenarios.writing import scenario_text

    with report_errors():
        provider = providers.get(found[0].provider)
        if provider is None:
            raise SettingsError(f"there is no provider {found[0].provider!r} any more, so its calls cannot be played")
        scenario = asyncio.run(scenario_of_call(provider, found, deliveries, mask=mask))
    sys.stdout.write(scenario_text(scenario))


def _print_step(callback: StoredCallback, deliveries: list[Delivery], providers: dict[str, Provider[Any]]) -> None:
    time, kind = local_time(callback.received_at, "milliseconds"), callback.kind or "?"
    repeat = f" (repeat of {callback.duplicate_of})" if callback.duplicate_of else ""
    console.print()
    print_prose(f"{time}  {kind} {callback.outcome}{repeat}  #{callback.id}", style="bold")
    for sign, values in (("←", _sent(callback, providers)), ("→", reply_values(callback.reply_body))):
        print_prose(f"    {sign} {_in_words(values)}", indent=6)
    if callback.reason:
        more = f": `receiver callbacks show {callback.id}` shows how to" if is_no_handler(callback.reason) else ""
        print_prose(f"    {callback.reason}{more}", style="yellow", indent=6)
    for delivery in deliveries:
        replay = f" of replay {delivery.replay_id}" if delivery.replay_id else ""
        reason = f": {delivery.reason}" if delivery.reason else ""
        attempts = counted(delivery.attempts, "attempt")
        print_prose(f"    {delivery.handler}{replay}: {delivery.state}, {attempts}{reason}", indent=6)


def _sent(callback: StoredCallback, providers: dict[str, Provider[Any]]) -> Any:
    event = event_of(callback, providers)
    return event if isinstance(event, str) else event.raw


def _in_words(values: Any) -> str:
    """Values on one line without empty ones: NAME value, NAME value."""
    if not isinstance(values, dict):
        return str(values)
    shown = {name: value for name, value in values.items() if value not in ("", None, [], {})}
    return ", ".join(
        f"{name} {_in_words(value) if isinstance(value, dict) else value}" for name, value in shown.items()
    )
