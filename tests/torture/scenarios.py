"""The torture scenarios, and the checks of their results."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import func, select

from storage import Database
from storage.tables import callbacks, deliveries
from tests.postgres import Cluster, make_database
from tests.scenarios.serving import COMMAND, Receiver
from tests.torture.torture_handlers import NAMES

HERE = Path(__file__).parent
THREADS = 6


@dataclass
class Result:
    """The figures of one scenario. `wrong` has the checks that failed."""

    name: str
    seed: int
    acknowledged: int = 0
    stored: int = 0
    repeats: int = 0
    delivered: int = 0
    doubled: int = 0
    """Deliveries that a handler saw more than once: delivery is at least once."""
    crashes: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Arena:
    """Receivers on one journal, a sender, and the files they write."""

    def __init__(
        self, folder: Path, url: str, seed: int, receivers: int = 1, *, limit_kb: int = 0, kill: bool = False
    ) -> None:
        self.folder = folder
        self.url = url
        self.random = random.Random(seed)
        self.seed = seed
        self.crashes = 0
        self._limit_kb = limit_kb
        self._seen = folder / "seen.txt"
        self._acks = folder / "acks.txt"
        self._kill = kill
        self.receivers = [self.start(number) for number in range(receivers)]

    def start(self, number: int, port: int = 0, *, limited: bool = True, command: str = "serve") -> Receiver:
        """A receiver of that number, in a folder of its own."""
        folder = self.folder / f"receiver-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "torture_handlers.py").write_text((HERE / "torture_handlers.py").read_text())
        program = COMMAND
        if self._limit_kb and limited:
            program = ["bash", "-c", f'ulimit -f {self._limit_kb}; exec "$0" "$@"', *COMMAND]
        listening = ("--port", str(port)) if command == "serve" else ()
        options = (command, *listening, "--handlers", "torture_handlers", "--database-url", self.url)
        settings = json.dumps({"torture": {"seen": str(self._seen), "kill": self._kill}})
        return Receiver(
            folder,
            command=program,
            options=options,
            RECEIVER_HANDLER_SETTINGS=settings,
            RECEIVER_LEASE_SECONDS="1",
            RECEIVER_RETRY_FIRST_PAUSE="0.05",
            RECEIVER_RETRY_LONGEST_PAUSE="0.2",
            RECEIVER_SHUTDOWN_SECONDS="2",
            RECEIVER_LOG_LEVEL="error",
        )

    def restart(self, number: int, *, limited: bool = True) -> None:
        """Restart a receiver at the same address."""
        port = int(self.receivers[number].url.rsplit(":", 1)[1])
        self.crashes += 1
        self.receivers[number] = self.start(number, port, limited=limited)

    def kill_one(self) -> None:
        """Kill a receiver with SIGKILL and restart it."""
        number = self.random.randrange(len(self.receivers))
        self.receivers[number].kill()
        self.restart(number)

    def restart_crashed(self) -> None:
        """Restart the receivers that a handler has killed."""
        for number, receiver in enumerate(self.receivers):
            if receiver.process.poll() is not None:
                receiver.kill()
                self.restart(number)

    @contextmanager
    def load(self, seconds: float, *, sticky: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """Run the sender; the end of the block waits for it."""
        urls = [receiver.url for receiver in self.receivers]
        arguments = [
            str(seconds),
            str(THREADS),
            str(self._acks),
            str(self.seed),
            *urls,
            *(["--sticky"] if sticky else []),
        ]
        sender = subprocess.Popen([sys.executable, str(HERE / "load.py"), *arguments])
        try:
            yield sender
            while sender.poll() is None:
                self.restart_crashed()
                time.sleep(0.1)
        finally:
            if sender.poll() is None:
                sender.kill()
            sender.wait()

    def settle(self, seconds: float = 30) -> None:
        """Wait until all deliveries have finished, or until so many seconds without progress; then stop everything."""
        until, least = time.monotonic() + seconds, sys.maxsize
        while time.monotonic() < until and (left := self._unfinished()):
            if left < least:
                until, least = time.monotonic() + seconds, left
            self.restart_crashed()
            time.sleep(0.2)
        self.stop()

    def stop(self) -> None:
        """Stop every receiver."""
        for receiver in self.receivers:
            if receiver.process.poll() is None:
                receiver.stop()

    def _unfinished(self) -> int:
        acknowledged = len(self.acknowledged())
        with Database(self.url) as database, database.read_only() as connection:
            originals = connection.execute(select(func.count()).where(callbacks.c.original.is_(True))).scalar_one()
            waiting = connection.execute(select(func.count()).where(deliveries.c.due_at.is_not(None))).scalar_one()
        return int(waiting) + max(0, acknowledged - int(originals))

    def acknowledged(self) -> set[tuple[str, int]]:
        """The callbacks that were acknowledged to the sender."""
        return set(_lines(self._acks))

    def seen(self) -> dict[str, list[tuple[str, int]]]:
        """The callbacks that each handler saw, in that order."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for line in self._seen.read_text().splitlines() if self._seen.exists() else []:
            parts = line.split(" ")
            if len(parts) == 3:
                found[parts[0]].append((parts[1], int(parts[2])))
        return found

    def result(self, name: str, began: float) -> Result:
        """Compare the acknowledged callbacks with the stored and the seen ones."""
        result = Result(name, self.seed, crashes=self.crashes, seconds=time.monotonic() - began)
        acknowledged = self.acknowledged()
        result.acknowledged = len(acknowledged)
        stored, result.repeats = stored_events(self.url)
        result.stored = len(stored)
        if missing := acknowledged - stored:
            result.wrong.append(f"{len(missing)} acknowledged callbacks are not in the journal: {sorted(missing)[:3]}")
        for handler, events in {name: self.seen().get(name, []) for name in NAMES}.items():
            result.delivered += len(set(events))
            result.doubled += len(events) - len(set(events))
            if unseen := acknowledged - set(events):
                result.wrong.append(f"{handler} missed {len(unseen)} callbacks: {sorted(unseen)[:3]}")
            if disorder := _out_of_order(events):
                result.wrong.append(f"{handler} saw calls out of order: {disorder[:3]}")
        if not acknowledged:
            result.wrong.append("nothing was acknowledged at all")
        return result


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    for line in path.read_text().splitlines() if path.exists() else []:
        call, event = line.split(" ")
        yield call, int(event)


def stored_events(url: str) -> tuple[set[tuple[str, int]], int]:
    """The events in the journal, and the number of repeats."""
    with Database(url) as database, database.read_only() as connection:
        rows = connection.execute(select(callbacks.c.body, callbacks.c.original)).all()
    events = [json.loads(row.body) for row in rows if row.original]
    return {(event["ivruniqueid"], event["duration"]) for event in events}, len(rows) - len(events)


def _out_of_order(events: list[tuple[str, int]]) -> list[str]:
    """Calls whose events were first seen in another order than sent."""
    latest: dict[str, int] = {}
    first: set[tuple[str, int]] = set()
    wrong = []
    for call, event in events:
        if (call, event) in first:
            continue
        first.add((call, event))
        if event < latest.get(call, -1):
            wrong.append(f"{call}: {event} after {latest[call]}")
        latest[call] = event
    return wrong


# --- the scenarios: a folder, a seed, seconds of load ---


def killed_on_sqlite(folder: Path, seed: int, seconds: float) -> Result:
    """One receiver on SQLite, killed at random moments; handlers raise, hang and end the process."""
    return _killed("SQLite, receiver killed", folder, seed, seconds, f"sqlite:///{folder}/journal.db", 1)


def killed_on_postgresql(folder: Path, seed: int, seconds: float, server: Cluster) -> Result:
    """Three receivers on one PostgreSQL, killed at random moments."""
    return _killed("PostgreSQL, 3 receivers killed", folder, seed, seconds, make_database(server.url), 3)


def _killed(name: str, folder: Path, seed: int, seconds: float, url: str, receivers: int) -> Result:
    began = time.monotonic()
    arena = Arena(folder, url, seed, receivers, kill=True)
    with arena.load(seconds):
        _until(began + seconds, arena.kill_one, arena.random)
    arena.settle()
    return arena.result(name, began)


def postgresql_killed(folder: Path, seed: int, seconds: float, server: Cluster) -> Result:
    """Three receivers while PostgreSQL itself is killed and restarted; each call keeps its receiver."""
    began = time.monotonic()
    arena = Arena(folder, make_database(server.url), seed, 3)

    def kill_database() -> None:
        server.kill()
        arena.crashes += 1
        time.sleep(arena.random.uniform(0.5, 2))
        server.start()

    with arena.load(seconds, sticky=True):
        _until(began + seconds, kill_database, arena.random)
    arena.settle()
    return arena.result("PostgreSQL itself killed", began)


def frozen_on_postgresql(folder: Path, seed: int, seconds: float, server: Cluster) -> Result:
    """Three receivers and a worker; PostgreSQL restarts without a warning, and a receiver is frozen for long."""
    began = time.monotonic()
    arena = Arena(folder, make_database(server.url), seed, 3)
    worker = arena.start(len(arena.receivers), command="work")

    def disturb() -> None:
        arena.crashes += 1
        if arena.random.random() < 0.5:
            server.stop()
            server.start()
            return
        frozen = arena.random.choice(arena.receivers)
        os.killpg(frozen.process.pid, signal.SIGSTOP)
        time.sleep(arena.random.uniform(1.5, 3))  # longer than a lease, so others take its deliveries over
        os.killpg(frozen.process.pid, signal.SIGCONT)

    with arena.load(seconds, sticky=True):
        _until(began + seconds, disturb, arena.random)
    arena.settle()
    worker.stop()
    return arena.result("receivers frozen, PostgreSQL restarted", began)


def disk_full(folder: Path, seed: int, seconds: float) -> Result:
    """SQLite reaches a limit on its file's size; the receiver rejects with err 2, and continues when there is room."""
    began = time.monotonic()
    arena = Arena(folder, f"sqlite:///{folder}/journal.db", seed, limit_kb=1500)
    rejected = 0
    with arena.load(seconds) as sender:
        while sender.poll() is None and not (rejected := _rejections(arena.receivers[0].url)):
            time.sleep(0.2)
        arena.receivers[0].kill()
        arena.restart(0, limited=False)
    arena.settle()
    result = arena.result("disk full, then room again", began)
    if not rejected:
        result.wrong.append("the disk never became full: raise the seconds")
    return result


def _rejections(url: str) -> int:
    reply = httpx.post(
        f"{url}/voicenter", json={"caller": "1", "ivruniqueid": "probe", "duration": -1, "x": time.time()}, timeout=10
    )
    return int(reply.status_code == 503 and reply.json()["err"] == "2")


def _until(end: float, act: Callable[[], None], rng: random.Random) -> None:
    while True:
        time.sleep(rng.uniform(0.3, 2.0))
        if time.monotonic() > end:
            return
        act()
