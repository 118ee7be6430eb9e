"""`make bench-copy`: copy a journal of a million callbacks from SQLite to PostgreSQL and back."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from storage import Database
from storage.backup import back_up, restore
from storage.copying.journal_copy import open_copy
from storage.tables import callbacks, deliveries
from tests import postgres
from tests.bench import machine, payloads
from tests.bench.aging import Aged
from tests.bench.console import DEFAULT_FOLDER, Folder, Write, console, give_up, publish, warn_of_memory
from tests.bench.filling import Maker, fill, received_callback
from tests.bench.growth import check_room
from tests.bench.machine import Neighbours
from tests.bench.tables import Grid, facts, number

ROWS_OF_A_CALLBACK = 2
"""The callback and its delivery."""


def main(
    size: Annotated[int, typer.Option(min=1, help="Callbacks in the journal, each with a delivery.")] = 1_000_000,
    write: Write = True,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Back a journal up, restore it, and copy it to PostgreSQL and back."""
    check_room(folder, 4 * size, 0)
    warn_of_memory(folder)
    described, neighbours = machine.describe(folder), Neighbours()
    with tempfile.TemporaryDirectory(prefix="bench-copy-", dir=folder) as own, postgres.cluster(folder) as server:
        if server is None:
            give_up(postgres.MISSING)
            return
        grid = measure(Path(own), size, postgres.make_database(server.url))
    run = f"{datetime.now(UTC):%Y-%m-%d}; {size:,} callbacks, each with a delivery; {neighbours.in_words()}"
    publish("copy", grid, facts("The machine of this run", {**described, "run": run}), write=write)


def measure(folder: Path, size: int, postgres_url: str) -> Grid:
    """Rows a second of each step."""
    maker = Maker(asyncio.run(received_callback(payloads.cdr_xmlrpc())), size)
    aged = Aged(folder / "journal.db", size, maker, 0)
    grid = Grid("A journal is backed up, restored and copied", ("step", "seconds", "rows a second"))

    def timed(name: str, step: Callable[[], None]) -> None:
        console.print(name)
        began = time.perf_counter()
        step()
        seconds = time.perf_counter() - began
        grid.rows.append((name, number(seconds), number(size * ROWS_OF_A_CALLBACK / seconds)))

    with Database(aged.url) as journal:
        journal.migrate()
    for into, rows in ((callbacks, maker.callback_rows), (deliveries, maker.delivery_rows)):
        for _ in fill(aged.url, size, rows, into):
            pass
    back = f"sqlite:///{folder}/back.db"
    restored = f"sqlite:///{folder}/restored.db"
    timed("receiver backup, SQLite", lambda: _back_up(aged.url, folder / "sqlite.backup"))
    timed("receiver restore, SQLite", lambda: _restore(folder / "sqlite.backup", restored))
    timed("receiver copy, SQLite to PostgreSQL", lambda: _copy(aged.url, postgres_url))
    timed("receiver copy --final, SQLite to PostgreSQL", lambda: _finish(aged.url, postgres_url))
    timed("receiver backup, PostgreSQL", lambda: _back_up(postgres_url, folder / "postgresql.backup"))
    timed("receiver copy, PostgreSQL to SQLite", lambda: _copy(postgres_url, back))
    timed("receiver copy --final, PostgreSQL to SQLite", lambda: _finish(postgres_url, back))
    return grid


def _silent(_step: str, _done: int, _total: int | None) -> None:
    """No progress is shown."""


def _back_up(url: str, file: Path) -> None:
    with Database(url) as journal:
        back_up(journal, file, _silent)


def _restore(file: Path, url: str) -> None:
    with Database(url) as journal:
        restore(file, journal, _silent)


def _copy(source: str, target: str) -> None:
    with Database(source) as one, Database(target) as other, open_copy(one, other, _silent) as copying:
        copying.run()


def _finish(source: str, target: str) -> None:
    with Database(source) as one, Database(target) as other, open_copy(one, other, _silent) as copying:
        copying.finish()


if __name__ == "__main__":
    typer.run(main)
