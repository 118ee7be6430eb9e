"""`make bench`: measure the receiver and its peers in turn, on one core of this machine."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live

from tests import postgres
from tests.bench import machine, ratios, reader, report, wrk
from tests.bench.cases import CONNECTIONS, Bench, Case, all_cases, missing
from tests.bench.console import (
    DEFAULT_FOLDER,
    Folder,
    Write,
    console,
    progress_bar,
    publish,
    require,
    warn_of_memory,
)
from tests.bench.machine import TASKSET_MISSING, Neighbours, in_words
from tests.bench.measuring import Summary, rounds


def main(
    rounds_: Annotated[int, typer.Option("--rounds", min=1, help="How often each case is measured.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds of load for each case and round.")] = 5,
    only: Annotated[
        list[str] | None, typer.Option(help="Only cases with this in their name; nothing is written.")
    ] = None,
    write: Write = True,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Measure every case in turn, several times, and show medians, spread and ratios."""
    chosen = [case for case in all_cases() if is_wanted(case, only or [])]
    if not chosen:
        raise typer.BadParameter(f"no case has {' or '.join(only or [])} in its name", param_hint="--only")
    require("wrk", wrk.MISSING)
    require("taskset", TASKSET_MISSING)
    cores = machine.take_cores()
    warn_of_memory(folder)
    described = machine.describe(folder)
    neighbours = Neighbours()
    readers = reader.compare()
    with postgres.cluster(folder) as server, tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as own:
        bench = Bench(Path(own), cores.server, server)
        left_out = {case.name: why for case in chosen if (why := missing(case, bench))}
        ready = [case for case in chosen if case.name not in left_out]
        found = measure_all(ready, bench, rounds_, seconds, left_out)
    how = (
        f"{datetime.now(UTC):%Y-%m-%d}; {rounds_} rounds of {seconds} s; {in_words(cores)}; {CONNECTIONS} connections; "
        f"{neighbours.in_words()}"
    )
    grids = [
        report.rates(found, left_out),
        report.backlogs(found),
        report.readers(readers),
        report.ratios([*ratios.of_rates(found), *ratios.of_readers(readers)]),
        report.payloads(ready),
        report.machine(described, how),
    ]
    publish("bench", *grids, write=write and not only)


def is_wanted(case: Case, only: list[str]) -> bool:
    """Whether a case was selected; all are if none was."""
    return not only or any(name.lower() in case.name.lower() for name in only)


def measure_all(
    cases: list[Case], bench: Bench, count: int, seconds: int, left_out: Mapping[str, str]
) -> dict[str, Summary]:
    """Measure every round of every case, and show the table on the terminal as it grows."""
    progress = progress_bar()
    task = progress.add_task("", total=count * len(cases))
    found: dict[str, Summary] = {}

    def began(case: Case, number: int) -> None:
        progress.update(task, description=f"round {number + 1}: {case.name}")

    # It draws rarely, because it runs on the core that makes the load.
    with Live(progress, console=console, refresh_per_second=1, transient=True) as live:
        for found in rounds(cases, bench, count, seconds, began):
            progress.advance(task)
            live.update(Group(report.rates(found, left_out).rich(), progress))
    return found


if __name__ == "__main__":
    typer.run(main)
