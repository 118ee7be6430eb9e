"""Console output and options that the benchmark commands share."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tests.bench.machine import filesystem
from tests.bench.tables import Grid, rewrite

console = Console()

DEFAULT_FOLDER = Path("/var/tmp")
"""On a disk on nearly every system, while /tmp is often in memory."""

Folder = Annotated[Path, typer.Option(help="Where databases are made: on the disk that is meant, not in memory.")]
Write = Annotated[bool, typer.Option("--write/--no-write", help="Write the tables to docs/performance.md.")]


def progress_bar(*, speed: bool = False) -> Progress:
    """A progress bar with the remaining time, and on request the speed."""
    done = [TaskProgressColumn(show_speed=True)] if speed else []
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *done,
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def require(program: str, missing: str) -> None:
    """Exit with code 2 if a program is not installed; `missing` says how to install it."""
    if shutil.which(program) is None:
        give_up(missing)


def give_up(why: str) -> None:
    """Exit with code 2, with the reason."""
    Console(stderr=True).print(f"[bold red]error:[/] {why}", highlight=False, soft_wrap=True)
    sys.exit(2)


def warn_of_memory(folder: Path) -> None:
    """Print a warning if databases would be in memory instead of on a disk."""
    if filesystem(folder) in {"tmpfs", "ramfs"}:
        console.print(f"[bold red]{folder} is in memory, where syncing costs nothing: name a disk with --folder[/]")


def publish(part: str, *grids: Grid, write: bool) -> None:
    """Print the tables, and write them to their part of the page."""
    filled = [grid for grid in grids if grid.rows]
    for grid in filled:
        console.print(grid.rich())
    if write:
        rewrite(part, "\n\n".join(grid.markdown() for grid in filled))
        console.print("written to docs/performance.md", highlight=False)
