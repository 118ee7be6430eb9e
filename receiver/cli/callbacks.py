"""`receiver callbacks`: what is in the journal."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from receiver.cli.main import AsJson, DatabaseUrl, app, console, errors, open_journal, print_json
from receiver.cli.options import CallId, Kind, Outcome, Provider, Since, Until
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
            print_json(summary(callback))
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
    """Show one callback with its bytes, its reply and its deliveries."""
    with open_journal(database_url) as (_, database), database.read_only() as connection:
        callback = journal.get(connection, callback_id)
        told = queue.of_callback(connection, callback_id)
    if callback is None:
        errors.print(f"[bold red]error:[/] there is no callback {callback_id}; `receiver callbacks list` shows them")
        raise typer.Exit(1)
    if as_json:
        print_json(details(callback, told))
        return
    _print_details(callback, told)


def summary(callback: StoredCallback) -> dict[str, Any]:
    """A callback without its bytes, as JSON values."""
    return {
        "id": callback.id,
        "received_at": callback.received_at.isoformat(),
        "provider": callback.provider,
        "kind": callback.kind or None,
        "call_id": callback.call_id or None,
        "outcome": callback.outcome,
        "reason": callback.reason or None,
        "duplicate_of": callback.duplicate_of,
        "notes": list(callback.notes),
        "format": callback.format,
        "peer": callback.peer,
        "took_us": callback.took_us,
    }


def details(callback: StoredCallback, told: list[Delivery]) -> dict[str, Any]:
    """A callback with everything that belongs to it, as JSON values; bytes that are no UTF-8 show as escapes."""
    return {
        **summary(callback),
        "content_hash": callback.content_hash.hex(),
        "request": {
            "method": callback.method,
            "path": callback.path,
            "query": as_text(callback.query),
            "headers": dict(callback.headers),
            "part": callback.part,
            "body": as_text(callback.body),
        },
        "reply": {
            "status": callback.reply_status,
            "content_type": callback.reply_type,
            "body": as_text(callback.reply_body),
        },
        "deliveries": [delivery_values(delivery) for delivery in told],
    }


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """A delivery as JSON values."""
    return {
        "id": delivery.id,
        "handler": delivery.handler,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "reason": delivery.reason or None,
        "due_at": delivery.due_at.isoformat() if delivery.due_at else None,
        "finished_at": delivery.finished_at.isoformat() if delivery.finished_at else None,
        "replay_id": delivery.replay_id,
        "failures": [
            {
                "number": attempt.number,
                "started_at": attempt.started_at.isoformat(),
                "result": attempt.result,
                "error": attempt.error,
                "traceback": attempt.traceback,
                "took_us": attempt.took_us,
            }
            for attempt in delivery.failures
        ],
    }


def as_text(data: bytes) -> str:
    """Bytes as a person can read them."""
    return data.decode("utf-8", errors="backslashreplace")


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


def printable(text: str) -> str:
    """Text from outside without what could steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.splitlines())


def _print_details(callback: StoredCallback, told: list[Delivery]) -> None:
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in summary(callback).items():
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
    console.print(f"\n{escape(_lines(as_text(callback.body)))}", highlight=False, soft_wrap=True)
    console.print(f"\n[bold]reply {callback.reply_status}[/] {escape(callback.reply_type)}", highlight=False)
    console.print(escape(_lines(as_text(callback.reply_body))), highlight=False, soft_wrap=True)
    for delivery in told:
        print_delivery(delivery)


def print_delivery(delivery: Delivery) -> None:
    """A delivery and what went wrong at each attempt."""
    replay = f", of replay {delivery.replay_id}" if delivery.replay_id else ""
    what = f"{delivery.state}, {delivery.attempts} attempt(s){replay}"
    console.print(f"\n[bold]delivery {delivery.id}[/] to {escape(delivery.handler)}: {what}", highlight=False)
    for attempt in delivery.failures:
        line = f"attempt {attempt.number} at {attempt.started_at.astimezone():%Y-%m-%d %H:%M:%S}: {attempt.error}"
        console.print(escape(_lines(line)), style="red", highlight=False)
        if attempt.traceback:
            console.print(escape(_lines(attempt.traceback)), highlight=False, soft_wrap=True)
