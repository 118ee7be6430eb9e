"""`make bench-overload`: how long callers wait under an overload of records whose handlers hang."""

import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from storage import Database
from tests.bench import journals, machine, payloads, report, servers, steady, wrk
from tests.bench.console import DEFAULT_FOLDER, Folder, Write, progress_bar, publish, require, warn_of_memory
from tests.bench.machine import TASKSET_MISSING, Neighbours, in_words
from tests.bench.measuring import WARM_UP_SECONDS, Generator
from tests.bench.ratios import Ratio
from tests.bench.servers import Server
from tests.bench.steady import Answers
from tests.bench.tables import Grid, number
from tests.bench.wrk import Load

KIND = "GET_IVR_ACTION"
OUTCOMES = ("answered", "fallback", "failed")
TARGET = 2.0


@dataclass(frozen=True, slots=True)
class Period:
    """The results of one period of questions, and of the load beside it, if there was one."""

    answers: Answers
    outcomes: Counter[str]
    load: Load | None = None


def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds of questions in each round.")] = 10,
    connections: Annotated[int, typer.Option(min=1, help="Connections that send records.")] = 256,
    write: Write = True,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Send questions at a steady rate, alone and beside an overload of call records whose handlers hang."""
    require("wrk", wrk.MISSING)
    require("taskset", TASKSET_MISSING)
    cores = machine.take_cores()
    warn_of_memory(folder)
    described = machine.describe(folder)
    neighbours = Neighbours()
    alone: list[Period] = []
    beside: list[Period] = []
    with progress_bar() as progress:
        task = progress.add_task("", total=2 * rounds)
        for _ in range(rounds):
            for periods, load, what in ((alone, 0, "alone"), (beside, connections, "beside an overload")):
                progress.update(task, description=f"{KIND} {what}")
                with tempfile.TemporaryDirectory(prefix="bench-", dir=folder) as own:
                    periods.append(measure(Path(own), cores.server, seconds, load))
                progress.advance(task)
    how = f"{datetime.now(UTC):%Y-%m-%d}; {rounds} rounds of {seconds} s; {in_words(cores)}; {neighbours.in_words()}"
    questions = f"{steady.RATE:g} a second on {steady.CONNECTIONS} connections"
    records = f"{connections} connections"
    publish(
        "overload",
        table({f"alone, {questions}": alone, f"beside CDRs on {records}, handlers hanging": beside}),
        report.ratios(ratios(alone, beside)),
        report.machine(described, how),
        write=write,
    )


def measure(folder: Path, core: int, seconds: float, connections: int, generate: Generator = wrk.run) -> Period:
    """One period of questions, beside a load on so many connections; 0 for none."""
    url = f"sqlite:///{folder}/journal.db"
    ivr = payloads.ivr_xmlrpc()
    with Database(url) as database:
        with servers.receiver(folder, core, url, ("answers", "hanging"), shutdown_seconds=1) as server:
            steady.ask(ivr, server.url, WARM_UP_SECONDS, prefix="warm")
            with _overload(server, folder, seconds, connections, generate) as result:
                answers = steady.ask(ivr, server.url, seconds)
            load = result()
        outcomes = journals.outcomes(database, KIND)
    return Period(answers, outcomes, load)


@contextmanager
def _overload(
    server: Server, folder: Path, seconds: float, connections: int, generate: Generator
) -> Iterator[Callable[[], Load | None]]:
    """A load that starts before the block and outlasts its questions; yields a function that returns its result."""
    if not connections:
        yield lambda: None
        return
    cdr = payloads.cdr_xmlrpc()
    generate(cdr, server.url, folder, WARM_UP_SECONDS, connections)  # from here on every place of a handler is occupied
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(generate, cdr, server.url, folder, seconds + 1, connections)
        yield running.result


def table(found: dict[str, list[Period]]) -> Grid:
    """A row for each way to ask: medians of the rounds, and the outcomes of the questions of all rounds."""
    headings = ("questions", "p50 ms", "p99 ms", "slowest ms", *OUTCOMES, "no answer", "CDRs/s", "CDRs refused")
    grid = Grid(f"{KIND} under an overload of call records", headings)
    for name, periods in found.items():
        loads = [period.load for period in periods if period.load is not None]
        outcomes = sum((period.outcomes for period in periods), Counter[str]())
        grid.rows.append(
            (
                name,
                number(median(periods, lambda answers: answers.p50_ms)),
                number(median(periods, lambda answers: answers.p99_ms)),
                number(max(max(period.answers.took_ms) for period in periods)),
                *(str(outcomes[outcome]) for outcome in OUTCOMES),
                str(sum(period.answers.failed for period in periods)),
                number(statistics.median(load.accepted / load.seconds for load in loads)) if loads else "",
                str(sum(load.errors for load in loads)) if loads else "",
            )
        )
    return grid


def ratios(alone: Sequence[Period], beside: Sequence[Period]) -> list[Ratio]:
    """The ratios of the waiting times."""
    figures: dict[str, Callable[[Answers], float]] = {
        "p50": lambda answers: answers.p50_ms,
        "p99": lambda answers: answers.p99_ms,
    }
    return [
        Ratio(f"{name} beside the overload / alone", median(beside, of) / median(alone, of), TARGET, at_least=False)
        for name, of in figures.items()
    ]


def median(periods: Sequence[Period], figure: Callable[[Answers], float]) -> float:
    """The median of the rounds."""
    return statistics.median(figure(period.answers) for period in periods)


if __name__ == "__main__":
    typer.run(main)
