"""`receiver doctor`: examine the journal and what surrounds it."""

from typing import Annotated

import typer

from receiver.cli.main import app, report_errors
from receiver.cli.options import AsJson, DatabaseUrl
from receiver.cli.output import console, counted, print_json, print_prose
from receiver.cli.paging import step_progress
from receiver.components import make_database, make_providers
from receiver.operations.doctor import Doctor, Finding, Level
from receiver.settings import load
from receiver.web.auth import is_loopback

_STYLES = {Level.OK: "green", Level.NOTE: "yellow", Level.FIXED: "cyan", Level.WRONG: "bold red"}


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what is safe to repair.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read all callbacks again, not only the newest 10,000.")
    ] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Check the journal's integrity, the spool, free space, versions, and settings that contradict each other.

    Exit code 1 means that something is wrong. It may run beside receivers.
    """
    with report_errors():
        settings = load(database_url=database_url)
        providers = make_providers(settings)
        with make_database(settings) as database, step_progress() as on_step:
            found = list(
                Doctor(
                    settings,
                    database,
                    providers,
                    on_loopback=is_loopback(settings.host),
                    on_step=on_step,
                    fix=fix,
                    all_contents=everything,
                ).examine()
            )
    for finding in found:
        if as_json:
            print_json({"topic": finding.topic, "level": finding.level, "text": finding.text})
        else:
            _print(finding)
    wrong = sum(finding.level is Level.WRONG for finding in found)
    if wrong:
        if not as_json:
            console.print()
            print_prose(f"{counted(wrong, 'thing')} wrong.", style="bold red")
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    word = f"{finding.level:<6}"
    print_prose(f"{word} {finding.topic}: {finding.text}", bold=len(word), style=_STYLES[finding.level], indent=7)
