"""`receiver callbacks`: list stored callbacks, and show one."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from receiver.app import make_providers
from receiver.cli.auditing import SHOW, record
from receiver.cli.filters import callback_filter, described
from receiver.cli.json_values import callback_details, callback_summary, event_of, event_values
from receiver.cli.main import app, open_journal
from receiver.cli.options import AsJson, CallId, DatabaseUrl, Kind, Limit, Outcome, Provider, Since, Until
from receiver.cli.output import (
    Column,
    Table,
    as_text,
    console,
    print_delivery,
    print_error,
    print_facts,
    print_json,
    print_note,
    print_prose,
    printable,
    printable_lines,
)
from receiver.cli.times import local_time, time_column
from receiver.intake.suggestion import is_no_handler, suggested_code
from receiver.providers.base import contract
from receiver.providers.base.event import Event
from storage import Delivery, StoredCallback, journal, queue

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
    with open_journal(database_url) as (_, database), database.read_only() as connection:
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


def _print_details(callback: StoredCallback, deliveries: Sequence[Delivery], event: Event | str) -> None:
    values = {**callback_summary(callback), "received_at": local_time(callback.received_at, "milliseconds")}
    print_facts((name, _shown(value)) for name, value in values.items() if value not in (None, [], ""))
    query = f"?{as_text(callback.query)}" if callback.query else ""
    target = escape(printable(callback.path + query))
    console.print(f"\n[bold]{callback.method} {target}[/]", highlight=False, soft_wrap=True)
    for name, value in callback.headers:
        console.print(escape(printable(f"{name}: {value}")), highlight=False, soft_wrap=True)
    console.print(f"\n{escape(printable_lines(as_text(callback.body)))}", highlight=False, soft_wrap=True)
    _print_event(event)
    console.print(f"\n[bold]reply {callback.reply_status}[/] {escape(callback.reply_type)}", highlight=False)
    console.print(escape(printable_lines(as_text(callback.reply_body))), highlight=False, soft_wrap=True)
    if callback.call_state is not None:
        console.print("\n[bold]state of the call[/]", highlight=False)
        console.print(escape(printable_lines(as_text(callback.call_state))), highlight=False, soft_wrap=True)
    for delivery in deliveries:
        console.print()
        print_delivery(delivery)


def _print_event(event: Event | str) -> None:
    """The event's fields as a table, without empty ones."""
    console.print()
    if isinstance(event, str):
        print_prose(f"no event: {event}", bold=len("no event"))
        return
    print_prose(f"event {type(event).__name__}", style="bold")
    values = event_values(event)
    extra, unread = values.pop("extra"), values.pop("unread")
    facts = {name: values[name] for name in type(event).model_fields if name in values}
    facts |= {f"extra: {name}": value for name, value in extra.items()}
    facts["unread"] = unread
    print_facts((name, _shown(value)) for name, value in facts.items() if value not in (None, "", [], {}))


def _shown(value: Any) -> str:
    """A value as text; lists of words without brackets, structures as JSON."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(_without_raw(value), ensure_ascii=False, default=str)


def _without_raw(value: Any) -> Any:
    """A nested model's own fields: without `raw`, and without `extra` and `unread` where they are empty."""
    if isinstance(value, list):
        return [_without_raw(one) for one in value]
    if isinstance(value, dict) and {"raw", "extra", "unread"} <= value.keys():
        return {name: one for name, one in value.items() if name != "raw" and (one or name not in {"extra", "unread"})}
    return value
