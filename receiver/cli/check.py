"""`receiver check`: find what is wrong before a provider does."""

from pathlib import Path

import typer

from receiver.app import check_openness, load_parts, trust_of
from receiver.cli.main import DatabaseUrl, HandlerModules, app, complaints, console
from receiver.cli.serve import handler_table
from receiver.settings import load
from storage.database import parse_url
from storage.errors import StoreError
from storage.spool import count_in


@app.command()
def check(database_url: DatabaseUrl = None, handlers: HandlerModules = None) -> None:
    """Check settings, handlers and filters without starting. Exit code 2 says that the receiver would not start."""
    with complaints():
        settings = load(database_url=database_url, handlers=handlers)
        parts = load_parts(settings)
        check_openness(settings, trust_of(settings, parts.providers))
        url = _checked_url(settings.database_url.get_secret_value())
    console.print(f"settings: fine; the journal is {url}", highlight=False)
    if spooled := count_in(Path(settings.spool)):
        console.print(f"[yellow]note:[/] {spooled} callbacks are in the spool {settings.spool}", highlight=False)
    console.print("handlers:")
    console.print(handler_table(parts))
    for one, other in parts.registry.overlaps():
        console.print(
            f"[yellow]note:[/] {one.name} and {other.name} could both answer the same {one.subject.__name__}; "
            f"{one.name} comes first and wins",
            highlight=False,
        )
    for provider in parts.providers.values():
        for kind in provider.kinds:
            if kind.replies and not any(handler.subject is kind.event for handler in parts.registry):
                console.print(
                    f"[yellow]note:[/] no handler answers {provider.title}'s {kind.name}; it gets the fallback",
                    highlight=False,
                )


def _checked_url(url: str) -> str:
    try:
        return parse_url(url).render_as_string(hide_password=True)
    except StoreError as error:
        console.print(f"[bold red]error:[/] database_url: {error}", highlight=False)
        raise typer.Exit(2) from error
