"""Reading many callbacks in pages, with a progress bar: memory use does not depend on their number."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from receiver.cli.output import errors
from storage import Database, StoredCallback, journal
from storage.values import Filter

PAGE = 500


def pages_with_progress(database: Database, wanted: Filter, doing: str) -> Iterator[list[StoredCallback]]:
    """All callbacks that match, oldest first, in pages; a progress bar shows how many are done."""
    with database.read_only() as connection:
        total, last = journal.count(connection, wanted), journal.last_id(connection)
    with progress_bar() as progress:
        task = progress.add_task(doing, total=total)
        for page in pages(database, wanted, last):
            yield page
            progress.advance(task, len(page))


def pages(database: Database, wanted: Filter, last: int) -> Iterator[list[StoredCallback]]:
    """All callbacks that match, oldest first, in pages; without those that arrive meanwhile."""
    done = 0
    while True:
        with database.read_only() as connection:
            page = [one for one in journal.page(connection, wanted, done, PAGE) if one.id <= last]
        if not page:
            return
        yield page
        done = page[-1].id


def progress_bar(*, transient: bool = False) -> Progress:
    """How much is done, how fast, and how long the rest takes; on standard error, so that output can be piped.

    A `transient` one is erased at the end; where there is no terminal, each is.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=errors,
        transient=transient or not errors.is_terminal,
    )


@contextmanager
def step_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """A function that shows how far each of several steps is: by its name, what is done, and the whole if known.

    The bars are erased at the end: what the command prints then says what was done, and a step without rows would
    stay at 0 of 0.
    """
    with progress_bar(transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)

        yield show
