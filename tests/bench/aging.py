"""Measurements of a journal of one size: each function measures one thing and returns named figures."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from storage import Appended, Database, Finish, GroupCommit, NewCallback, State, journal, queue, retention
from storage.failover import FailoverStore
from storage.values import Filter
from tests.bench.filling import RARE_KIND, Maker, number
from tests.bench.servers import ROOT
from tests.bench.tables import number as shown

Figures = dict[str, str]

REPEATS = 7
INTAKE = 2000
AT_ONCE = (32, 500)
"""Callbacks that are submitted at once: as many as the connections of `make bench`, and a full batch."""
CLAIMED = 64
"""Deliveries that a receiver with default settings claims at once."""
PRUNED = 20_000
PRUNE_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Aged:
    """A filled journal."""

    file: Path
    size: int
    maker: Maker
    read: int
    """How many of the oldest callbacks replay and export read."""

    @property
    def url(self) -> str:
        """The journal's database URL."""
        return f"sqlite:///{self.file}"

    def after(self, value: int) -> datetime:
        """The moment right after the callback with that number was received."""
        return self.maker.received_at(value) + timedelta(microseconds=1)


def space(aged: Aged, without_deliveries: int) -> Figures:
    """The disk space of a callback."""
    body = len(aged.maker.new(1).body)
    callback, whole = without_deliveries / aged.size, aged.file.stat().st_size / aged.size
    return {
        "bytes of a CDR as XML": shown(body),
        "bytes on disk, with indexes": f"{shown(callback)} ({callback / body:.2f} times the XML)",
        "and with a delivery that is done": f"{shown(whole)} ({whole / body:.2f} times the XML)",
    }


def intake(aged: Aged) -> Figures:
    """Callbacks stored a second, by the receiver's writer without its web server."""
    numbers = count(aged.size + 1)
    found: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    with Database(aged.url) as database:
        for at_once in AT_ONCE * 3:
            news = [aged.maker.new(next(numbers)) for _ in range(INTAKE)]
            found[at_once].append(asyncio.run(_store(database, news, at_once)))
    return {
        f"stored a second, {at_once} at once": shown(INTAKE / statistics.median(seconds))
        for at_once, seconds in found.items()
    }


async def _store(database: Database, news: Sequence[NewCallback], at_once: int) -> float:
    store: GroupCommit[NewCallback, Appended] = GroupCommit(FailoverStore(database, None).store, batch=max(AT_ONCE))
    store.start()
    began = time.perf_counter()
    for start in range(0, len(news), at_once):
        await asyncio.gather(*(store.write([new]) for new in news[start : start + at_once]))
    took = time.perf_counter() - began
    await store.close()
    return took


def claiming(aged: Aged) -> Figures:
    """The time to claim due deliveries, which `intake` has created, and to finish them."""
    handler = aged.maker.handler
    claimed: list[float] = []
    finished: list[float] = []
    with Database(aged.url) as database:
        for _ in range(REPEATS):
            with _timed(claimed), database.begin() as connection:
                claims = queue.claim(connection, "bench", {handler: CLAIMED}, 30.0, CLAIMED)
            done = [
                Finish(delivery_id=one.delivery_id, worker="bench", attempt=one.attempt, state=State.DONE)
                for one in claims
            ]
            with _timed(finished), database.begin() as connection:
                queue.finish(connection, done)
    return {
        f"ms to claim {CLAIMED} deliveries": _median_ms(claimed),
        f"ms to finish {CLAIMED} deliveries": _median_ms(finished),
    }


def querying(aged: Aged) -> Figures:
    """The time of the queries that commands make."""
    middle = aged.size // 2
    since = aged.maker.received_at(middle)
    hour = Filter(since=since, until=since + timedelta(hours=1))

    def listing(wanted: Filter) -> Callable[[Connection], object]:
        return partial(journal.find, wanted=wanted, limit=50)

    def history(connection: Connection) -> None:
        for callback in journal.page(connection, Filter(call_id=number(middle)), 0, 1000):
            queue.of_callback(connection, callback.id)

    ways: dict[str, Callable[[Connection], object]] = {
        "ms: callbacks list": listing(Filter()),
        "ms: callbacks list --call-id": listing(Filter(call_id=number(middle))),
        "ms: callbacks list --since --until, an hour": listing(hour),
        "ms: callbacks list --kind, a frequent one": listing(Filter(kind="CDR")),
        "ms: callbacks list --kind, a rare one": listing(Filter(kind=RARE_KIND)),
        "ms: callbacks list --provider --kind, a rare one": listing(Filter(provider="voicenter", kind=RARE_KIND)),
        "ms: receiver call": history,
    }
    with Database(aged.url) as database:
        return {name: _median_ms(_repeated(database, way)) for name, way in ways.items()}


def _repeated(database: Database, way: Callable[[Connection], object]) -> list[float]:
    took: list[float] = []
    while len(took) < REPEATS and sum(took) < 60:  # a query that takes a minute is measured once
        with _timed(took), database.read_only() as connection:
            way(connection)
    return took


def pruning(aged: Aged) -> Figures:
    """How fast the oldest callbacks are pruned."""
    wanted = min(PRUNED, aged.size // 5)
    before = aged.after(wanted)
    with Database(aged.url) as database:
        counted: list[float] = []
        with _timed(counted), database.read_only() as connection:
            retention.count(connection, before)
        done, began = 0, time.perf_counter()
        while gone := _prune(database, before):
            done += gone
        seconds = time.perf_counter() - began
    return {"pruned a second": shown(done / seconds), "ms to count what would be pruned": _median_ms(counted)}


def _prune(database: Database, before: datetime) -> int:
    with database.begin() as connection:
        return retention.prune(connection, before, PRUNE_BATCH)


def paging(aged: Aged) -> Figures:
    """How fast, and with how much memory, commands page through callbacks, oldest first."""
    oldest = min(PRUNED, aged.size // 5)
    until = aged.after(min(aged.size, oldest + aged.read))
    span = ("--until", until.isoformat(), "--database-url", aged.url)
    commands = {
        "replay": ("replay", *span, "--handlers", "tests.bench.handlers.nothing"),
        "export of records": ("export", str(aged.file.with_name("records.csv")), *span),
        "export of callbacks": ("export", str(aged.file.with_name("callbacks.jsonl")), "--what", "callbacks", *span),
    }
    found = {}
    for name, arguments in commands.items():
        result = _run(arguments, aged.file.parent)
        count = min(aged.read, aged.size - oldest)
        found[f"{name}: callbacks a second"] = shown(count / result["seconds"])
        found[f"{name}: peak MB"] = shown(result["peak_mb"])
    return found


def _run(arguments: Sequence[str], folder: Path) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.peak", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"receiver {' '.join(arguments)} failed: {done.stdout}{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@contextmanager
def _timed(took: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took.append(time.perf_counter() - began)


def _median_ms(took: Sequence[float]) -> str:
    return shown(statistics.median(took) * 1000)
