"""Walking through many callbacks, page by page, with a progress bar: memory does not grow with their number."""

from collections.abc import Iterator

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from receiver.cli.output import errors
from storage import Database, StoredCallback, journal
from storage.values import Filter

PAGE = 500


def pages_with_progress(database: Database, wanted: Filter, doing: str) -> Iterator[list[StoredCallback]]:
    """All callbacks that match, oldest first, a page at a time; how far it is shows on the terminal."""
    with database.read_only() as connection:
        total, last = journal.count(connection, wanted), journal.last_id(connection)
    with progress_bar() as progress:
        task = progress.add_task(doing, total=total)
        for page in pages(database, wanted, last):
            yield page
            progress.advance(task, len(page))


def pages(database: Database, wanted: Filter, last: int) -> Iterator[list[StoredCallback]]:
    """All callbacks that match, oldest first, a page at a time; none that comes in while we walk."""
    done = 0
    while True:
        with database.read_only() as connection:
            page = [one for one in journal.page(connection, wanted, done, PAGE) if one.id <= last]
        if not page:
            return
        yield page
        done = page[-1].id


def progress_bar() -> Progress:
    """How much is done, how fast, and how long it will take; on standard error, so that output can be piped."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=errors,
        transient=not errors.is_terminal,
    )
