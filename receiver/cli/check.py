"""`receiver check`: find what is wrong before a provider does."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from receiver.app import Components, is_sqlite, load_components, make_database, open_database
from receiver.cli.check_url import check_url
from receiver.cli.main import app, report_errors
from receiver.cli.options import DatabaseUrl, HandlerModules
from receiver.cli.output import console
from receiver.cli.serve import handler_table
from receiver.errors import SettingsError
from receiver.settings import Settings, load
from receiver.web.auth import access_policies, require_access_control
from storage import StoreError, queue
from storage.database import parse_url
from storage.spool import count_in


@app.command()
def check(
    url: Annotated[
        str, typer.Option(help="Also call a running receiver at this address, and say what it saw.", show_default=False)
    ] = "",
    database_url: DatabaseUrl = None,
    handlers: HandlerModules = None,
) -> None:
    """Check settings, handlers and filters without starting. Exit code 2 says that the receiver would not start.

    With --url: whether callbacks would come in through that address, such as https://calls.example.com; exit code 1
    says that they would not.
    """
    with report_errors():
        settings = load(database_url=database_url, handlers=handlers)
        components = load_components(settings)
        require_access_control(settings, components.providers, access_policies(settings, components.providers))
        _check_journal(settings)
        spooled, refused = count_in(Path(settings.spool))
    place = parse_url(settings.database_url.get_secret_value()).render_as_string(hide_password=True)
    console.print(f"settings: fine; the journal is {place}", highlight=False)
    if spooled:
        _note(f"{spooled} callbacks are in the spool {settings.spool}")
    if refused:
        _note(f"{refused} callbacks in the spool {settings.spool} were refused by the journal, and are kept there")
    console.print("handlers:")
    console.print(handler_table(components))
    _note_overlaps(components)
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
            "--url: give the receiver's address alone, such as https://calls.example.com; "
            "secret, password and path come from the settings"
        )


def _note(text: str) -> None:
    console.print(f"[yellow]note:[/] {escape(text)}", highlight=False)


def _check_journal(settings: Settings) -> None:
    """A file's folder must be there and writable; whether a server is there shows when we look into it."""
    if not is_sqlite(settings):
        return
    file = Path(parse_url(settings.database_url.get_secret_value()).database or "").resolve()
    if not file.parent.is_dir():
        raise SettingsError(f"database_url: there is no folder {file.parent} for the journal")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise SettingsError(f"database_url: {file} cannot be written")


def _note_overlaps(components: Components) -> None:
    for one, other in components.registry.overlaps():
        _note(
            f"{one.name} and {other.name} could both answer the same {one.subject.__name__}; "
            f"{one.name} comes first and wins"
        )
    for provider in components.providers.values():
        for kind in provider.kinds:
            if kind.replies and not any(handler.subject is kind.event for handler in components.registry):
                _note(f"no handler answers {provider.title}'s {kind.name}: it gets its fallback, or the error reply")


def _note_orphans(settings: Settings, components: Components) -> None:
    """Deliveries for handlers that are no longer loaded wait for ever."""
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
            _note(f"{count} deliveries wait for {name}, which is not loaded: load it, or `receiver deliveries drop`")
