"""`receiver forget`: blank a phone number in everything that is stored."""

from pathlib import Path
from typing import Annotated

import typer

from receiver.app import make_providers
from receiver.cli.main import app, open_journal, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import counted, print_prose
from receiver.cli.paging import progress_bar
from receiver.operations.phone_numbers import number_redactor
from receiver.settings import Settings, load
from storage import Database, erasure
from storage.erasure import Mask, Place
from storage.spool import count_in

PAGE = 500


@app.command()
def forget(
    number: Annotated[str, typer.Argument(help="The phone number, in any notation: 050-1234567, +972501234567.")],
    country_code: Annotated[
        str | None,
        typer.Option(
            help="Your country's code, to find the number with and without it. By default that of the settings."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Blank a phone number in all stored callbacks, replies and errors. This cannot be undone."""
    with report_errors():
        mask = number_redactor(number, _country_code(load()) if country_code is None else country_code)
    with open_journal(database_url) as (settings, database):
        if not dry_run:
            with database.begin() as connection:
                erasure.prepare(connection)
        changed = {place: _pages_with_progress(database, place, mask, only_count=dry_run) for place in Place}
        if not dry_run:
            database.checkpoint()
        spooled, set_aside = count_in(Path(settings.spool))
        place = database.place
    verb = "would be blanked" if dry_run else "was blanked"
    print_prose(
        f"The number {verb} in {counted(changed[Place.CALLBACKS], 'callback')}, "
        f"{counted(changed[Place.DELIVERIES], 'delivery')}, {counted(changed[Place.ATTEMPTS], 'failed attempt')}, "
        f"{counted(changed[Place.REFUSALS], 'rejected request')} and {counted(changed[Place.REPLAYS], 'replay')} of "
        f"{place}."
    )
    if spooled:
        callbacks, it = counted(spooled, "callback"), "it is" if spooled == 1 else "they are"
        print_prose(f"The spool {settings.spool} holds {callbacks}. Run this again when {it} in the journal.")
    if set_aside:
        callbacks = counted(set_aside, "callback")
        print_prose(f"The spool {settings.spool} keeps {callbacks} that the journal rejected, as they were sent.")
    print_prose("Files that your handlers wrote, backups and logs are not blanked.")


def _country_code(settings: Settings) -> str:
    """The first that a provider's settings name."""
    codes = (provider.country_code for provider in make_providers(settings).values())
    return next(filter(None, codes), "")


def _pages_with_progress(database: Database, place: Place, mask: Mask, *, only_count: bool) -> int:
    changed = last = 0
    with database.read_only() as connection:
        total = erasure.count(connection, place)
    with progress_bar() as progress:
        task = progress.add_task(place.name.lower(), total=total)
        while True:
            with database.read_only() if only_count else database.begin() as connection:
                page = erasure.mask_page(connection, place, mask, last, PAGE, only_count=only_count)
            if not page.seen:
                return changed
            changed, last = changed + page.changed, page.last
            progress.advance(task, page.seen)
