"""`receiver check`: find mistakes in settings and handlers before a provider calls."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from receiver.cli.banner import print_handlers
from receiver.cli.check_url import check_url
from receiver.cli.flow import flows_of
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.cli.output import console, counted, print_prose
from receiver.components import Components, is_sqlite, load_components, make_database, open_database
from receiver.errors import SettingsError
from receiver.settings import Settings, load
from receiver.web.auth import access_policies, require_access_control
from storage import StoreError, queue
from storage.database import parse_url
from storage.spool_files import count_in_all


@app.command()
def check(
    url: Annotated[
        str,
        typer.Option(
            help="Also call the running receiver at this public address, and print what it saw.", show_default=False
        ),
    ] = "",
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
) -> None:
    """Check settings, handlers and filters without starting a receiver.

    Exit code 2 means that `receiver serve` would not start. With --url, exit code 1 means that callbacks would not
    arrive through that address, such as https://calls.example.com.
    """
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        components = load_components(settings)
        require_access_control(settings, components.providers, access_policies(settings, components.providers))
        _check_journal(settings)
        spooled, refused = count_in_all(Path(settings.spool))
    place = parse_url(settings.database_url.get_secret_value()).render_as_string(hide_password=True)
    print_prose(f"The settings are valid. The journal is {place}.")
    if spooled:
        _note(f"the spool {settings.spool} holds {counted(spooled, 'callback')}: a receiver moves them to the journal")
    if refused:
        _note(f"the spool {settings.spool} keeps {counted(refused, 'callback')} that the journal rejected")
    console.print("\nHandlers:")
    print_handlers(components)
    _note_overlaps(components)
    _note_flow_problems(components)
    _note_orphans(settings, components)
    if url:
        with report_errors():
            _check_address(url)
        with report_errors(), open_database(settings) as database:
            arrives = check_url(components, database, url)
        if not arrives:
            raise typer.Exit(1)


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.path.strip("/"):
        raise SettingsError(
            "--url: write the receiver's address alone, such as https://calls.example.com; "
            "secret, password and path come from the settings"
        )


def _note(text: str) -> None:
    print_prose(f"note: {text}", bold=len("note:"), style="yellow")


def _check_journal(settings: Settings) -> None:
    """A file's folder must exist and be writable. A server is not asked here: that happens when deliveries are read."""
    if not is_sqlite(settings):
        return
    file = Path(parse_url(settings.database_url.get_secret_value()).database or "").resolve()
    if not file.parent.is_dir():
        raise SettingsError(f"database_url: there is no folder {file.parent} for the journal")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise SettingsError(f"database_url: this user may not write to {file}")


def _note_overlaps(components: Components) -> None:
    for one, other in components.registry.overlaps():
        _note(
            f"{one.name} and {other.name} could both answer the same {one.subject.__name__}; "
            f"{one.name} comes first and answers it"
        )
    for provider in components.providers.values():
        for kind in provider.kinds:
            if kind.replies and not any(handler.subject is kind.event for handler in components.registry):
                _note(f"no handler answers {provider.title}'s {kind.name}: it gets its fallback or the error reply")


def _note_flow_problems(components: Components) -> None:
    for flow, values in flows_of(components).items():
        for problem in flow.check(values):
            _note(f"flow {flow.name}: {problem}")


def _note_orphans(settings: Settings, components: Components) -> None:
    """Note deliveries to handlers that are not loaded: they wait until a handler has that name."""
    if is_sqlite(settings) and not Path(parse_url(settings.database_url.get_secret_value()).database or "").exists():
        return
    with make_database(settings) as database:
        try:
            with database.read_only() as connection:
                waiting = queue.unfinished(connection)
        except StoreError as error:
            _note(str(error))
            return
    for name, count in waiting.items():
        if name not in components.registry:
            wait = "waits" if count == 1 else "wait"
            _note(
                f"{counted(count, 'delivery')} {wait} for {name}, which is not loaded: name its module in the setting "
                f"handlers, or run `receiver deliveries drop --state due --handler {name}`"
            )
