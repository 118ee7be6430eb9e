"""`make fuzz`: a million inputs; each input that breaks a rule is kept as a file."""

import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz import readers
from tests.fuzz.chunks import CHUNK, ONE_IN, Tally, be_quiet, fuzz
from tests.fuzz.inputs import CORPUS, Input, keep

KEPT_OF_A_KIND = 3
console = Console()


def main(
    inputs: Annotated[int, typer.Option(help="How many inputs to make.", min=1)] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="Stop after so many seconds; 0 for no limit.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Repeats a run; 0 for a random seed.", min=0)] = 0,
    one_in: Annotated[int, typer.Option(help="One in so many inputs goes through the whole receiver.", min=1)] = ONE_IN,
    jobs: Annotated[int, typer.Option(help="Parallel processes.", min=1)] = 1,
    corpus: Annotated[Path, typer.Option(help="Where finds are kept.")] = CORPUS,
    reader_inputs: Annotated[
        int, typer.Option(help="How many mutated calls both XML-RPC readers must agree on.", min=0)
    ] = 100_000,
) -> None:
    """Make INPUTS inputs, and check the result of each.

    Each is parsed by receiver.wire, which may raise nothing but its own error. One in ten also goes through a whole
    receiver on SQLite: its reply must be documented and complete, with status 200; the callback must be in the journal;
    no error may be logged. Each find becomes a file in the corpus, which `make test` replays.
    """
    seed = seed or random.randrange(1, 10**6)
    disagree = _compare_readers(str(seed), reader_inputs)
    console.print(f"seed {seed}; {inputs:,} inputs, one in {one_in} through the whole receiver, {jobs} process(es)")
    began = time.monotonic()
    total, kinds = Tally(), Counter[str]()
    sizes = [min(CHUNK, inputs - start) for start in range(0, inputs, CHUNK)]
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with (
        Progress(*columns, console=console) as progress,
        ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=be_quiet) as pool,
    ):
        task = progress.add_task("no finds", total=inputs)
        waiting = {pool.submit(fuzz, f"{seed}-{number}", size, one_in) for number, size in enumerate(sizes)}
        for done in as_completed(waiting):
            tally = done.result()
            total.inputs += tally.inputs
            total.sent += tally.sent
            _keep(tally.found, kinds, corpus)
            progress.update(task, advance=tally.inputs, description=f"{kinds.total()} finds of {len(kinds)} kinds")
            if seconds and time.monotonic() - began > seconds:
                for one in waiting:
                    one.cancel()
                break  # as_completed would wait for the cancelled ones
    took = time.monotonic() - began
    console.print(f"{total.inputs:,} inputs read, {total.sent:,} of them sent, in {took:.0f} s: {kinds.total()} finds")
    for kind, count in kinds.most_common():
        console.print(f"[bold red]{count} x[/] ", end="")
        console.print(kind, markup=False)
    sys.exit(bool(kinds) or disagree)


def _compare_readers(seed: str, count: int) -> bool:
    """Parse mutated calls with both XML-RPC parsers; whether they disagree on one, which is printed."""
    with console.status(f"reading {count:,} mutated calls by both readers"):
        first = next(readers.disagreements(seed, count), None)
    if first is None:
        console.print(f"both XML-RPC readers agree on {count:,} mutated calls")
        return False
    console.print("[bold red]the XML-RPC readers disagree[/] on this text, and read:")
    for part in first:
        console.print(part, markup=False)
    return True


def _keep(found: list[tuple[Input, str]], kinds: "Counter[str]", corpus: Path) -> None:
    for made, why in found:
        kind = why.split(": ")[0] if why.startswith("status") else why[:80]
        kinds[kind] += 1
        if kinds[kind] <= KEPT_OF_A_KIND:
            console.print(f"{keep(made, why, corpus)}: {why[:200]}", markup=False)


if __name__ == "__main__":
    typer.run(main)
