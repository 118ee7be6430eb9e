"""`receiver deliveries`: list and show deliveries, requeue and drop them."""

from collections.abc import Container, Mapping, Sequence
from typing import Annotated, Any

import typer

from receiver.cli.filters import callback_filter, delivery_filter, described, described_deliveries
from receiver.cli.main import app, open_journal_alone
from receiver.cli.options import AsJson, CallId, DatabaseUrl, Kind, Limit, Outcome, Provider, Since, Until
from receiver.cli.output import Column, Table, counted, print_delivery, print_error, print_json, print_note, print_prose
from receiver.cli.row_values import delivery_values
from receiver.cli.times import time_column
from receiver.errors import SettingsError
from storage import Delivery, State, StoredCallback, queue, queue_admin, replays
from storage.queue_admin import DROPPABLE, REQUEUABLE, DeliveryFilter

group = typer.Typer(no_args_is_help=True, help="List deliveries, show one, requeue dead ones, drop unwanted ones.")
app.add_typer(group, name="deliveries")


def _state_option(states: Sequence[State]) -> Any:
    return typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only deliveries in this state: {_either(states)}. May be repeated.",
        show_default=False,
    )


def _either(states: Sequence[State]) -> str:
    *first, last = states
    return f"{', '.join(first)} or {last}" if first else str(last)


Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", help="Numbers of deliveries, as `list` shows them. Without any, use the filters."),
]
AnyState = Annotated[list[State] | None, _state_option(tuple(State))]
RequeuableState = Annotated[list[State] | None, _state_option(REQUEUABLE)]
DroppableState = Annotated[list[State] | None, _state_option(DROPPABLE)]
HandlerName = Annotated[str, typer.Option("--handler", help="Only deliveries to this handler.", show_default=False)]


@group.command("list")
def list_deliveries(
    state: AnyState = None,
    handler: HandlerName = "",
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
    """List deliveries, the newest last. Without --state: those that are due, running or dead."""
    with open_journal_alone(database_url) as database, database.read_only() as connection:
        about = callback_filter(
            connection, provider=provider, kind=kind, call_id=call_id, outcome=outcome, since=since, until=until
        )
        states = state or [State.DUE, State.RUNNING, State.DEAD]
        wanted = delivery_filter(connection, about, states=states, handler=handler)
        found = queue_admin.find(connection, wanted, limit)[::-1]
    if not found:
        print_note(_nothing_found(wanted, all_states=bool(state)))
    if as_json:
        for delivery, callback in found:
            about_it = {"provider": callback.provider, "kind": callback.kind, "call_id": callback.call_id or None}
            print_json({**delivery_values(delivery), "callback_id": delivery.callback_id, **about_it})
    elif found:
        _table(found).print()
    if len(found) == limit:
        print_note(f"These are the newest {limit}. There may be more: see --limit.")


def _nothing_found(wanted: DeliveryFilter, *, all_states: bool) -> str:
    about = described(wanted.callbacks)
    if all_states or wanted.handler or about:
        return f"No delivery matches {described_deliveries(wanted)}."
    return "No delivery is due, running or dead. --state done and --state dropped list the finished ones."


def _table(found: list[tuple[Delivery, StoredCallback]]) -> Table:
    due, times = time_column("due", [delivery.due_at for delivery, _ in found])
    table = Table(
        Column("ID", right=True),
        Column("state"),
        Column("handler"),
        Column("callback", rank=5, right=True),
        Column("kind", rank=4),
        Column("call"),
        Column("attempts", rank=1, right=True),
        Column(due, rank=2),
        Column("reason", rank=3, prose=True),
    )
    for (delivery, callback), time in zip(found, times, strict=True):
        table.add(
            str(delivery.id),
            delivery.state,
            delivery.handler,
            str(callback.id),
            callback.kind or "?",
            callback.call_id,
            str(delivery.attempts),
            time,
            delivery.reason,
        )
    return table


@group.command("show")
def show(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="The number that `list` shows.")],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Show one delivery with each attempt that failed."""
    with open_journal_alone(database_url) as database, database.read_only() as connection:
        delivery = queue.get(connection, delivery_id)
        origin = replays.describe(connection, delivery.replay_id) if delivery and delivery.replay_id else ""
    if delivery is None:
        print_error(f"there is no delivery {delivery_id}; `receiver deliveries list` shows them")
        raise typer.Exit(1)
    if as_json:
        print_json({**delivery_values(delivery), "callback_id": delivery.callback_id})
        return
    print_delivery(delivery, f"callback {delivery.callback_id}", *([origin] if origin else []))


@group.command("retry")
def retry(
    ids: Ids = None,
    state: RequeuableState = None,
    handler: HandlerName = "",
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    since: Since = None,
    until: Until = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Requeue deliveries, by number or by filter: each is due now, and its earlier attempts no longer count.

    Without numbers and without --state: the dead ones.
    """
    with open_journal_alone(database_url) as database, database.begin() as connection:
        about = callback_filter(connection, provider=provider, kind=kind, call_id=call_id, since=since, until=until)
        states = _chosen(ids, state, REQUEUABLE)
        wanted = delivery_filter(connection, about, ids=ids or (), states=states, handler=handler)
        before = queue_admin.states_of(connection, wanted.ids)
        count = queue_admin.requeue(connection, wanted)
        after = queue_admin.states_of(connection, wanted.ids)
    if count:
        is_due = "is" if count == 1 else "are"
        print_prose(f"{counted(count, 'delivery')} {is_due} due now; a running receiver runs them.")
    unchanged = {number: before[number] for number, now in after.items() if now is not State.DUE}
    _report_unchanged(wanted, count, unchanged, before, "requeued", REQUEUABLE)


@group.command("drop")
def drop(
    ids: Ids = None,
    state: DroppableState = None,
    handler: HandlerName = "",
    provider: Provider = "",
    kind: Kind = "",
    call_id: CallId = "",
    since: Since = None,
    until: Until = None,
    why: Annotated[str, typer.Option(help="The reason, stored with the delivery.")] = "dropped by hand",
    database_url: DatabaseUrl = None,
) -> None:
    """Drop deliveries, by number or by filter: they are not attempted any more.

    Without numbers and without --state: the dead ones. `receiver deliveries retry --state dropped` requeues them.
    """
    with open_journal_alone(database_url) as database, database.begin() as connection:
        about = callback_filter(connection, provider=provider, kind=kind, call_id=call_id, since=since, until=until)
        states = _chosen(ids, state, DROPPABLE)
        wanted = delivery_filter(connection, about, ids=ids or (), states=states, handler=handler)
        before = queue_admin.states_of(connection, wanted.ids)
        count = queue_admin.drop(connection, wanted, why)
        after = queue_admin.states_of(connection, wanted.ids)
    if count:
        print_prose(f"{counted(count, 'delivery')} {'was' if count == 1 else 'were'} dropped.")
    dropped = {number for number, now in after.items() if now is State.DROPPED and before[number] in DROPPABLE}
    unchanged = {number: state for number, state in before.items() if number not in dropped}
    _report_unchanged(wanted, count, unchanged, before, "dropped", DROPPABLE)


def _chosen(ids: list[int] | None, states: list[State] | None, possible: Sequence[State]) -> list[State]:
    """The states to look for; dead ones if neither states nor numbers are given. Raises SettingsError."""
    for state in states or ():
        if state not in possible:
            raise SettingsError(f"--state: {state} deliveries stay as they are; choose {_either(possible)}")
    return states or ([] if ids else [State.DEAD])


def _report_unchanged(
    wanted: DeliveryFilter,
    count: int,
    unchanged: Mapping[int, State],
    known: Container[int],
    done: str,
    possible: Sequence[State],
) -> None:
    """Say which deliveries stay as they are, and why; exit with code 1 if there are any, or if none was meant."""
    problems = []
    if unknown := ", ".join(str(number) for number in wanted.ids if number not in known):
        problems.append(f"there is no delivery {unknown}; `receiver deliveries list` shows them")
    for number, state in unchanged.items():
        if state in possible:
            why = "the filters do not match it, or its callback waits for the same handler already"
            problems.append(f"delivery {number} was not {done}: {why}")
        else:
            problems.append(f"delivery {number} is {state}; only those that are {_either(possible)} can be {done}")
    if not (wanted.ids or count):
        problems.append(f"no delivery matches {described_deliveries(wanted)}; nothing was {done}")
    for problem in problems:
        print_error(problem)
    if problems:
        raise typer.Exit(1)
