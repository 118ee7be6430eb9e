"""Back-ups and copies of a journal that is being written, and what they have."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.postgres import Cluster, make_database
from tests.scenarios.serving import run
from tests.torture.scenarios import Arena, Result, stored_events


def backed_up_under_load(folder: Path, seed: int, seconds: float) -> Result:
    """Back-ups are taken while callbacks arrive; each, restored, has what was acknowledged before it began."""
    began = time.monotonic()
    arena = Arena(folder, f"sqlite:///{folder}/journal.db", seed)
    before: list[set[tuple[str, int]]] = []

    def back_up() -> None:
        before.append(arena.acknowledged())
        run(folder, "backup", str(folder / f"{len(before)}.zst"), "--database-url", arena.url)

    with arena.load(seconds):
        _repeat(back_up, began + seconds)
    arena.settle()
    result = arena.result(f"{len(before)} back-ups under load, restored", began)
    for number, acknowledged in enumerate(before, 1):
        restored = f"sqlite:///{folder}/restored-{number}.db"
        run(folder, "restore", str(folder / f"{number}.zst"), "--database-url", restored)
        stored, _ = stored_events(restored)
        if missing := acknowledged - stored:
            result.wrong.append(f"back-up {number} lacks {len(missing)} callbacks: {sorted(missing)[:3]}")
    return result


def copied_under_load(folder: Path, seed: int, seconds: float, server: Cluster) -> Result:
    """A journal moves from SQLite to PostgreSQL while callbacks arrive, and its receivers go on there."""
    began = time.monotonic()
    arena = Arena(folder, f"sqlite:///{folder}/journal.db", seed)
    target = make_database(server.url)
    move = ("copy", "--from", arena.url, "--to", target)
    with arena.load(seconds):
        _repeat(lambda: run(folder, *move), began + seconds)
    arena.settle()
    run(folder, *move, "--final")
    stored, _ = stored_events(arena.url)
    arena.url = target
    arena.receivers = [arena.start(0)]
    with arena.load(1):
        pass
    arena.settle()
    result = arena.result("copied to PostgreSQL under load", began)
    if missing := stored - stored_events(target)[0]:
        result.wrong.append(f"the copy lacks {len(missing)} callbacks: {sorted(missing)[:3]}")
    return result


def _repeat(work: Callable[[], object], until: float) -> None:
    """Do it over and over, and once at least; it begins no more after `until`."""
    while True:
        work()
        if time.monotonic() > until:
            return
