"""What the receiver is put through, and what must hold afterwards."""

import json
import random
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
    """The figures of one scenario. `wrong` says what did not hold; empty when all did."""

    name: str
    seed: int
    acknowledged: int = 0
    stored: int = 0
    repeats: int = 0
    delivered: int = 0
    doubled: int = 0
    """Deliveries that a handler saw more than once: at least once is the promise."""
    crashes: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Arena:
    """Receivers on one journal, a sender, and the files they leave."""

    def __init__(
        self, folder: Path, url: str, seed: int, receivers: int = 1, *, limit_kb: int = 0, kill: bool = False
    ) -> None:
        self.folder = folder
        self.url = url
        self.luck = random.Random(seed)
        self.seed = seed
        self.crashes = 0
        self._limit_kb = limit_kb
        self._seen = folder / "seen.txt"
        self._acks = folder / "acks.txt"
        self._kill = kill
        self.receivers = [self._start(number) for number in range(receivers)]

    def _start(self, number: int, port: int = 0, *, limited: bool = True) -> Receiver:
        folder = self.folder / f"receiver-{number}"
        folder.mkdir(exist_ok=True)
        (folder / "torture_handlers.py").write_text((HERE / "torture_handlers.py").read_text())
        command = COMMAND
        if self._limit_kb and limited:
            command = ["bash", "-c", f'ulimit -f {self._limit_kb}; exec "$0" "$@"', *COMMAND]
        options = ("serve", "--port", str(port), "--handlers", "torture_handlers", "--database-url", self.url)
        settings = json.dumps({"torture": {"seen": str(self._seen), "kill": self._kill}})
        return Receiver(
            folder,
            command=command,
            options=options,
            RECEIVER_HANDLER_SETTINGS=settings,
            RECEIVER_LEASE_SECONDS="1",
            RECEIVER_RETRY_FIRST_PAUSE="0.05",
            RECEIVER_RETRY_LONGEST_PAUSE="0.2",
            RECEIVER_SHUTDOWN_SECONDS="2",
            RECEIVER_LOG_LEVEL="error",
        )

    def restart(self, number: int, *, limited: bool = True) -> None:
        """Start a receiver again at the address it had."""
        port = int(self.receivers[number].url.rsplit(":", 1)[1])
        self.crashes += 1
        self.receivers[number] = self._start(number, port, limited=limited)

    def kill_one(self) -> None:
        """SIGKILL a receiver and start it again."""
        number = self.luck.randrange(len(self.receivers))
        self.receivers[number].kill()
        self.restart(number)

    def revive_the_dead(self) -> None:
        """Start again what a handler has killed."""
        for number, receiver in enumerate(self.receivers):
            if receiver.process.poll() is not None:
                receiver.kill()
                self.restart(number)

    @contextmanager
    def load(self, seconds: float, *, sticky: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        """The sender at work; leaving the block waits for it."""
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
                self.revive_the_dead()
                time.sleep(0.1)
        finally:
            if sender.poll() is None:
                sender.kill()
            sender.wait()

    def settle(self, seconds: float = 30) -> None:
        """Wait until nothing waits to be delivered, or nothing has moved for so long, and stop everything."""
        until, least = time.monotonic() + seconds, sys.maxsize
        while time.monotonic() < until and (left := self._unfinished()):
            if left < least:
                until, least = time.monotonic() + seconds, left
            self.revive_the_dead()
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
        """What the sender was told is stored."""
        return set(_lines(self._acks))

    def seen(self) -> dict[str, list[tuple[str, int]]]:
        """What each handler saw, in the order it saw it."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for line in self._seen.read_text().splitlines() if self._seen.exists() else []:
            parts = line.split(" ")
            if len(parts) == 3:
                found[parts[0]].append((parts[1], int(parts[2])))
        return found

    def result(self, name: str, began: float) -> Result:
        """Compare what was acknowledged with what is stored and what was seen."""
        result = Result(name, self.seed, crashes=self.crashes, seconds=time.monotonic() - began)
        acknowledged = self.acknowledged()
        result.acknowledged = len(acknowledged)
        stored, result.repeats = _stored(self.url)
        result.stored = len(stored)
        if missing := acknowledged - stored:
            result.wrong.append(f"{len(missing)} acknowledged callbacks are not in the journal: {sorted(missing)[:3]}")
        for handler, events in {name: self.seen().get(name, []) for name in NAMES}.items():
            result.delivered += len(set(events))
            result.doubled += len(events) - len(set(events))
            if unseen := acknowledged - set(events):
                result.wrong.append(f"{handler} never saw {len(unseen)} callbacks: {sorted(unseen)[:3]}")
            if disorder := _out_of_order(events):
                result.wrong.append(f"{handler} saw calls out of order: {disorder[:3]}")
        if not acknowledged:
            result.wrong.append("nothing was acknowledged at all")
        return result


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    for line in path.read_text().splitlines() if path.exists() else []:
        call, event = line.split(" ")
        yield call, int(event)


def _stored(url: str) -> tuple[set[tuple[str, int]], int]:
    """The events in the journal, and how many repeats of them."""
    with Database(url) as database, database.read_only() as connection:
        rows = connection.execute(select(callbacks.c.body, callbacks.c.original)).all()
    events = [json.loads(row.body) for row in rows if row.original]
    return {(event["ivruniqueid"], event["duration"]) for event in events}, len(rows) - len(events)


def _out_of_order(events: list[tuple[str, int]]) -> list[str]:
    """Calls whose events were first seen in another order than they were sent."""
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


# --- the scenarios: a folder, a number to draw luck from, seconds of load ---


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
        _until(began + seconds, arena.kill_one, arena.luck)
    arena.settle()
    return arena.result(name, began)


def postgresql_killed(folder: Path, seed: int, seconds: float, server: Cluster) -> Result:
    """Three receivers while PostgreSQL itself is killed and started again; each call sticks to one receiver."""
    began = time.monotonic()
    arena = Arena(folder, make_database(server.url), seed, 3)

    def kill_database() -> None:
        server.kill()
        arena.crashes += 1
        time.sleep(arena.luck.uniform(0.5, 2))
        server.start()

    with arena.load(seconds, sticky=True):
        _until(began + seconds, kill_database, arena.luck)
    arena.settle()
    return arena.result("PostgreSQL itself killed", began)


def disk_full(folder: Path, seed: int, seconds: float) -> Result:
    """SQLite runs into a limit on its file's size, refuses with err 2, and goes on when there is room again."""
    began = time.monotonic()
    arena = Arena(folder, f"sqlite:///{folder}/journal.db", seed, limit_kb=1500)
    refused = 0
    with arena.load(seconds) as sender:
        while sender.poll() is None and not (refused := _refusals(arena.receivers[0].url)):
            time.sleep(0.2)
        arena.receivers[0].kill()
        arena.restart(0, limited=False)
    arena.settle()
    result = arena.result("disk full, then room again", began)
    if not refused:
        result.wrong.append("the disk never became full: raise the seconds")
    return result


def _refusals(url: str) -> int:
    reply = httpx.post(
        f"{url}/voicenter", json={"caller": "1", "ivruniqueid": "probe", "duration": -1, "x": time.time()}, timeout=10
    )
    return int(reply.status_code == 503 and reply.json()["err"] == "2")


def _until(end: float, act: Callable[[], None], luck: random.Random) -> None:
    while True:
        time.sleep(luck.uniform(0.3, 2.0))
        if time.monotonic() > end:
            return
        act()
