"""`receiver forget`: blank a phone number in everything that is stored."""

from pathlib import Path
from typing import Annotated

import typer

from receiver.cli.auditing import FORGET, record, without_digits
from receiver.cli.main import app, open_journal, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import counted, print_prose
from receiver.cli.paging import progress_bar
from receiver.components import make_providers
from receiver.operations.erasure import Erased, erase
from receiver.operations.phone_numbers import number_redactor
from receiver.settings import Settings, load
from storage.erasure import Place


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
        mask = number_redactor(number, country_code_of(load()) if country_code is None else country_code)
    with open_journal(database_url) as (settings, database), progress_bar() as progress:
        bars = {place: progress.add_task(place.name.lower(), total=None) for place in Place}

        def show(place: Place, done: int, total: int) -> None:
            progress.update(bars[place], completed=done, total=total)

        erased = erase(database, mask, Path(settings.spool), show, only_count=dry_run)
        place = database.place
        if not dry_run:
            record(database, FORGET, f"number {without_digits(number)}", erased.changed[Place.CALLBACKS])
    _print_erased(erased, place, settings.spool, dry_run=dry_run)


def country_code_of(settings: Settings) -> str:
    """The first country code that a provider's settings name."""
    codes = (provider.country_code for provider in make_providers(settings).values())
    return next(filter(None, codes), "")


def _print_erased(erased: Erased, place: str, spool: str, *, dry_run: bool) -> None:
    changed = erased.changed
    verb = "would be blanked" if dry_run else "was blanked"
    print_prose(
        f"The number {verb} in {counted(changed[Place.CALLBACKS], 'callback')}, "
        f"{counted(changed[Place.DELIVERIES], 'delivery')}, {counted(changed[Place.ATTEMPTS], 'failed attempt')}, "
        f"{counted(changed[Place.REFUSALS], 'rejected request')}, "
        f"{counted(changed[Place.PLACED_CALLS], 'placed call')}, {counted(changed[Place.REPLAYS], 'replay')} and "
        f"{counted(changed[Place.AUDIT], 'line')} of the audit trail of {place}."
    )
    if erased.spooled:
        callbacks, it = counted(erased.spooled, "callback"), "it is" if erased.spooled == 1 else "they are"
        print_prose(f"The spool {spool} holds {callbacks}. Run this again when {it} in the journal.")
    if erased.set_aside:
        callbacks = counted(erased.set_aside, "callback")
        print_prose(f"The spool {spool} keeps {callbacks} that the journal rejected, as they were sent.")
    print_prose("Files that your handlers wrote, backups and logs are not blanked.")
