"""`make bench-growth`: measure journals of ten thousand, a million and ten million callbacks."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from sqlalchemy import Table

from storage import Database, NewCallback
from storage.tables import callbacks, deliveries
from tests.bench import aging, machine, payloads
from tests.bench.aging import Aged, Figures
from tests.bench.console import DEFAULT_FOLDER, Folder, Write, give_up, progress_bar, publish, warn_of_memory
from tests.bench.filling import Maker, Rows, fill, received_callback
from tests.bench.machine import Neighbours
from tests.bench.tables import Grid, facts, number

BYTES_STORED, BYTES_EXPORTED = 4500, 3500
"""A little more than a callback takes with its indexes and its delivery, and than replay and export write for it."""
SIZES = "10000,1000000,10000000"
MEASURES: Sequence[Callable[[Aged], Figures]] = (
    aging.intake,
    aging.claiming,
    aging.querying,
    aging.pruning,
    aging.paging,
)


def main(
    sizes: Annotated[str, typer.Option(help="Callbacks in the journal, separated by commas.")] = SIZES,
    read: Annotated[int, typer.Option(min=1, help="How many callbacks replay and export read.")] = 200_000,
    write: Write = True,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Fill a journal to each size, and measure what the receiver and its commands do with it."""
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", sizes):
        raise typer.BadParameter("write numbers from 1 with commas between", param_hint="--sizes")
    wanted = [int(size) for size in sizes.split(",")]
    check_room(folder, max(wanted), read)
    warn_of_memory(folder)
    described = machine.describe(folder)
    neighbours = Neighbours()
    like = asyncio.run(received_callback(payloads.cdr_xmlrpc()))
    found: dict[int, Figures] = {}
    for size in wanted:
        with tempfile.TemporaryDirectory(prefix="bench-growth-", dir=folder) as own:
            found[size] = measure(Path(own), size, read, like)
    run = f"{datetime.now(UTC):%Y-%m-%d}; replay and export read {read:,} callbacks; {neighbours.in_words()}"
    publish("growth", table(found), facts("The machine of this run", {**described, "run": run}), write=write)


def check_room(folder: Path, size: int, read: int) -> None:
    """Exit with code 2 if the disk is too small for a journal of this size."""
    needed, free = size * BYTES_STORED + min(size, read) * BYTES_EXPORTED, shutil.disk_usage(folder).free
    if free < needed:
        give_up(
            f"{size:,} callbacks need {needed / 1e9:.0f} GB and {folder} has {free / 1e9:.0f} GB free: "
            "name another disk with --folder, or smaller --sizes"
        )


def measure(folder: Path, size: int, read: int, like: NewCallback) -> Figures:
    """Fill a journal and measure everything, in an order in which no measurement affects the next."""
    aged = Aged(folder / "journal.db", size, Maker(like, size), read)
    with Database(aged.url) as database:
        database.migrate()
    with progress_bar(speed=True) as progress:
        _fill(progress, aged, callbacks, aged.maker.callback_rows)
        without_deliveries = aged.file.stat().st_size
        _fill(progress, aged, deliveries, aged.maker.delivery_rows)
        found = aging.space(aged, without_deliveries)
        task = progress.add_task("", total=len(MEASURES))
        for one in MEASURES:
            progress.update(task, description=f"{number(size)} callbacks: {one.__name__}")
            found |= one(aged)
            progress.advance(task)
    return found


def _fill(progress: Progress, aged: Aged, into: Table, rows: Rows) -> None:
    task = progress.add_task(f"{number(aged.size)} callbacks: filling {into.name}", total=aged.size)
    for done in fill(aged.url, aged.size, rows, into):
        progress.update(task, completed=done)


def table(found: dict[int, Figures]) -> Grid:
    """A row for each figure and a column for each size."""
    names = next(iter(found.values()))
    rows: list[Sequence[str]] = [(name, *(figures[name] for figures in found.values())) for name in names]
    return Grid("By callbacks in the journal", ("", *(number(size) for size in found)), rows)


if __name__ == "__main__":
    typer.run(main)
