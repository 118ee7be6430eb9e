"""`receiver alarms`: list alarms, send a test message, and silence alarms."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from receiver.cli.main import app, open_journal_alone, report_errors
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import Column, Table, counted, print_error, print_json, print_note, print_prose
from receiver.cli.times import local_time, time_column
from receiver.errors import SettingsError
from storage import alarms
from storage.alarms import AlarmState

if TYPE_CHECKING:
    from receiver.settings import Settings

group = typer.Typer(no_args_is_help=True, help="List alarms, send a test message, silence alarms.")
app.add_typer(group, name="alarms")


def _period(text: str) -> timedelta:
    from receiver.settings import period_seconds

    seconds = period_seconds(text)
    if not seconds:
        raise typer.BadParameter(f"{text!r} is no period; write one such as 30m, 2h or 1d")
    return timedelta(seconds=seconds)


def _alarm(text: str) -> str:
    from receiver.operations.alarms.catalogue import CONDITIONS
    from receiver.operations.alarms.progress import EVERYTHING

    if text.partition(":")[0] not in {EVERYTHING, *CONDITIONS}:
        raise typer.BadParameter(
            f"there is no alarm {text!r}; there are {', '.join(CONDITIONS)}, and {EVERYTHING} for all of them"
        )
    return text


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        parser=_alarm,
        help="An alarm as `list` shows it, its first part such as dead_deliveries, or all.",
        show_default=False,
    ),
]


@group.command("list")
def list_alarms(as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """List the alarms that are active, that have ended within 30 days, or that are silenced."""
    with open_journal_alone(database_url) as database, database.read_only() as connection:
        found = sorted(alarms.load(connection).values(), key=lambda one: (not one.is_active, one.name))
    now = datetime.now(UTC)
    if as_json:
        for state in found:
            print_json(_values(state, now))
        return
    if found:
        _table(found, now).print()
    active = sum(state.is_active for state in found)
    print_note(f"{counted(active, 'alarm')} active." if active else "No alarm is active.")


def _values(state: AlarmState, now: datetime) -> dict[str, Any]:
    def written(moment: datetime | None) -> str | None:
        return moment.isoformat() if moment else None

    return {
        "name": state.name,
        "active": state.is_active,
        "text": state.text,
        "began_at": written(state.began_at),
        "ended_at": written(state.ended_at),
        "silenced_until": written(_silenced_until(state, now)),
    }


def _table(found: Sequence[AlarmState], now: datetime) -> Table:
    since, begins = time_column("since", [state.began_at for state in found])
    ended, ends = time_column("ended", [state.ended_at for state in found])
    silenced, silences = time_column("silenced until", [_silenced_until(state, now) for state in found])
    table = Table(
        Column("alarm"), Column("state"), Column(since, rank=1), Column(ended, rank=3), Column(silenced, rank=2),
        Column("what", rank=4, prose=True),
    )  # fmt: skip
    for state, *times in zip(found, begins, ends, silences, strict=True):
        words = ["active" if state.is_active else "ended" if state.ended_at else ""]
        words += ["silenced"] if _silenced_until(state, now) else []
        table.add(state.name, ", ".join(filter(None, words)), *times, state.text)
    return table


def _silenced_until(state: AlarmState, now: datetime) -> datetime | None:
    return state.silenced_until if state.silenced_until and state.silenced_until > now else None


@group.command("silence")
def silence(
    name: Name,
    period: Annotated[
        timedelta,
        typer.Option("--for", parser=_period, metavar="TIME", help="For how long, such as 30m, 2h or 1d."),
    ] = "1h",  # type: ignore[assignment]  # parsed as well
    database_url: DatabaseUrl = None,
) -> None:
    """Send no messages about an alarm for a time; the log still has it. What is still wrong then is sent."""
    until = datetime.now(UTC) + period
    with open_journal_alone(database_url) as database, database.begin() as connection:
        alarms.silence(connection, name, until)
    print_prose(f"{name} is silenced until {local_time(until)}.")


@group.command("unsilence")
def unsilence(name: Name, database_url: DatabaseUrl = None) -> None:
    """End a silence."""
    with open_journal_alone(database_url) as database, database.begin() as connection:
        was_silenced = alarms.unsilence(connection, name)
    print_prose(f"{name} is silenced no more." if was_silenced else f"{name} was not silenced.")


@group.command("test")
def send_test() -> None:
    """Send a test message to each recipient in the settings, and call the heartbeat URL. Exit code 1 if one fails."""
    import asyncio

    from receiver.settings import load

    with report_errors():
        settings = load()
        if not settings.alarms.urls and not settings.alarms.heartbeat_url.get_secret_value():
            raise SettingsError("alarms.urls: there are no recipients; write some, such as mailto:// or slack:// URLs")
        results = asyncio.run(_send(settings))
    for place, is_sent in results.items():
        if is_sent:
            print_prose(f"{place}: sent")
        else:
            print_error(f"{place}: not accepted; the lines above say what is known")
    if not all(results.values()):
        raise typer.Exit(1)


async def _send(settings: "Settings") -> dict[str, bool]:
    """Whether each message was accepted, and the call of the heartbeat URL succeeded."""
    import httpx

    from receiver.metrics import Metrics
    from receiver.operations.alarms.heartbeat import Heartbeat
    from receiver.operations.alarms.sending import AppriseSender

    body = "A test of the receiver's alarms. Nothing is wrong."
    results = await AppriseSender(settings.alarms.urls, Metrics()).send_each("test", body)
    if url := settings.alarms.heartbeat_url.get_secret_value():
        async with httpx.AsyncClient() as http:
            results["alarms.heartbeat_url"] = await Heartbeat(url, http, Metrics()).beat()
    return results
