"""`receiver forget`: blank a phone number in everything that is stored."""

from pathlib import Path
from typing import Annotated

import typer

from receiver.app import make_providers
from receiver.cli.main import app, open_journal, report_errors
from receiver.cli.options import DatabaseUrl
from receiver.cli.output import console
from receiver.cli.paging import progress_bar
from receiver.operations.erasure import Erased, erase
from receiver.operations.phone_numbers import number_redactor
from receiver.settings import Settings, load
from storage.erasure import Place


@app.command()
def forget(
    number: Annotated[str, typer.Argument(help="The phone number, in any spelling: 050-1234567, +972501234567.")],
    country_code: Annotated[
        str | None,
        typer.Option(
            help="Of your country, to find the number with and without it; else from the providers' settings."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Blank a phone number in all stored callbacks, replies and errors. There is no way back."""
    with report_errors():
        mask = number_redactor(number, _country_code(load()) if country_code is None else country_code)
    with open_journal(database_url) as (settings, database), progress_bar() as progress:
        bars = {place: progress.add_task(place.name.lower(), total=None) for place in Place}

        def show(place: Place, done: int, total: int) -> None:
            progress.update(bars[place], completed=done, total=total)

        erased = erase(database, mask, Path(settings.spool), show, only_count=dry_run)
        place = database.place
    _print_erased(erased, place, settings.spool, dry_run=dry_run)


def _country_code(settings: Settings) -> str:
    """The first that a provider's settings name."""
    codes = (provider.country_code for provider in make_providers(settings).values())
    return next(filter(None, codes), "")


def _print_erased(erased: Erased, place: str, spool: str, *, dry_run: bool) -> None:
    changed = erased.changed
    verb = "would be blanked" if dry_run else "was blanked"
    console.print(
        f"The number {verb} in {changed[Place.CALLBACKS]} callback(s), {changed[Place.DELIVERIES]} delivery(s), "
        f"{changed[Place.ATTEMPTS]} failed attempt(s), {changed[Place.REFUSALS]} refused request(s) and "
        f"{changed[Place.REPLAYS]} replay(s) of {place}.",
        highlight=False,
        soft_wrap=True,
    )
    if erased.spooled:
        console.print(
            f"{erased.spooled} callback(s) are still in the spool {spool}: run this again when it is empty.",
            highlight=False,
            soft_wrap=True,
        )
    if erased.set_aside:
        console.print(
            f"{erased.set_aside} callback(s) that the journal refused are in the spool {spool}, and not touched.",
            highlight=False,
            soft_wrap=True,
        )
    console.print("What your handlers have written elsewhere, backups and logs are not touched.", soft_wrap=True)
