"""One stored callback with all that belongs to it, as `receiver callbacks show` prints it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape

from receiver.cli.json_values import callback_details, event_of, event_values
from receiver.cli.output import (
    as_text,
    console,
    print_delivery,
    print_facts,
    print_json,
    print_prose,
    printable,
    printable_lines,
)
from receiver.cli.row_values import callback_summary
from receiver.cli.times import local_time
from receiver.intake.suggestion import is_no_handler, suggested_code
from receiver.providers.base import contract
from receiver.providers.base.event import Event
from storage import Delivery, StoredCallback

Providers = Mapping[str, contract.Provider[Any]]


def print_callback(
    callback: StoredCallback, deliveries: Sequence[Delivery], providers: Providers, *, as_json: bool
) -> None:
    """Print the request as it was sent, its event, the reply and the deliveries."""
    event = event_of(callback, providers)
    if as_json:
        print_json(callback_details(callback, deliveries, event))
        return
    _print_details(callback, deliveries, event)
    if is_no_handler(callback.reason) and (code := _suggestion(callback, providers)):
        console.print("\n[bold]to answer it[/], add to a handler module:\n", highlight=False)
        console.print(escape(code), highlight=False, soft_wrap=True)


def _suggestion(callback: StoredCallback, providers: Providers) -> str:
    """The code that would answer such a question; empty where its provider does not ask it any more."""
    provider = providers.get(callback.provider)
    kind = provider.kind(callback.kind) if provider else None
    return suggested_code(provider, kind) if provider and kind and kind.replies else ""


def _print_details(callback: StoredCallback, deliveries: Sequence[Delivery], event: Event | str) -> None:
    values = {**callback_summary(callback), "received_at": local_time(callback.received_at, "milliseconds")}
    print_facts((name, _shown(value)) for name, value in values.items() if value not in (None, [], ""))
    query = f"?{as_text(callback.query)}" if callback.query else ""
    target = escape(printable(callback.path + query))
    console.print(f"\n[bold]{callback.method} {target}[/]" if target else "", highlight=False, soft_wrap=True)
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
