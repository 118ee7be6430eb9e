"""The list on the command line: `python -m handlers.callback_queue list`, `… done NUMBER`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from receiver.errors import SettingsError
from receiver.settings import load

from . import CallbackQueueSettings, dialable

NAME = Path(__file__).parent.name
"""The name of the module and of its settings; a copy of the module has its own."""

cli = typer.Typer(help="Who wants to be called back.", no_args_is_help=True, add_completion=False)


@cli.command("list")
def list_requests(
    with_done: Annotated[bool, typer.Option("--all", help="Also those who were called back.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the open requests, the oldest first."""
    with _settings() as settings:
        requests = settings.open().listed(with_done=with_done)
    if as_json:
        for request in requests:
            typer.echo(orjson.dumps(request))
        return
    table = Table("number", "asked", "called", *(["done"] if with_done else []), box=None)
    for request in requests:
        done_at = [_local(request.done_at)] if with_done else []
        table.add_row(f"+{request.number}", _local(request.asked_at), request.did, *done_at)
    Console().print(table if requests else "No caller waits to be called back.")


@cli.command()
def done(number: Annotated[str, typer.Argument(help="The number, however it is written.", show_default=False)]) -> None:
    """Remove a number from the list. Exit code 1 means that it was not there."""
    with _settings() as settings:
        wanted = dialable(number, settings.country_code)
        if wanted is None:
            raise SettingsError(f"{number!r} is no phone number; write one like 0540000000 or +972540000000")
        was_there = settings.open().done(wanted, datetime.now(UTC))
    if not was_there:
        typer.echo(f"error: +{wanted} does not wait to be called back; `list` shows who does", err=True)
        raise typer.Exit(1)
    typer.echo(f"+{wanted} is off the list")


def _local(moment: datetime | None) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="minutes") if moment else ""


@contextmanager
def _settings() -> Iterator[CallbackQueueSettings]:
    """The settings of the receiver in this folder; errors are printed in one line, with exit code 2."""
    try:
        table = load().handler_settings.get(NAME)
        if table is None:
            raise SettingsError(f"receiver.toml has no [handler_settings.{NAME}]: run this in the receiver's folder")
        yield CallbackQueueSettings.model_validate(table)
    except ValidationError as error:
        _fail(f"[handler_settings.{NAME}] cannot work; `receiver check` says why", error)
    except SQLAlchemyError as error:
        _fail(f"the list could not be read or written: {getattr(error, 'orig', None) or error}", error)
    except SettingsError as error:
        _fail(str(error), error)


def _fail(message: str, cause: Exception) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(2) from cause


if __name__ == "__main__":
    cli(prog_name=f"python -m handlers.{NAME}")
