"""The machine of a run: its cores, its installed versions and the speed of its disk."""

import os
import platform
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests import postgres

TASKSET_MISSING = "taskset, which keeps a server on its core, is not installed: `apt-get install util-linux`"
SYNCS = 200
PACKAGES = ("uvicorn", "uvloop", "httptools", "starlette", "sqlalchemy", "psycopg", "fastapi", "defusedxml")


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the measured server, another one for everything else."""

    server: int
    load: int

    @property
    def shared(self) -> bool:
        """Whether there is only one core, so that load and server share it."""
        return self.server == self.load


def allowed_cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def take_cores() -> Cores:
    """Move this process and its children off the server's core."""
    allowed = allowed_cores()
    cores = Cores(server=allowed[-1], load=allowed[0])
    os.sched_setaffinity(0, {cores.load})
    return cores


def in_words(cores: Cores) -> str:
    """The use of the cores, in words."""
    if cores.shared:
        return "one core for everything, so load and server take it from each other"
    return f"server on core {cores.server}, load and PostgreSQL on core {cores.load}"


def on_cores(*cores: int) -> list[str]:
    """The prefix of a command that pins it and its threads to these cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, sorted(set(cores))))]


class Neighbours:
    """Measures how much processor time other programs use, from its creation."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._before = self._others()

    def share(self) -> float:
        """The share of all cores that other programs have used; child processes must have ended."""
        cores = os.cpu_count() or 1
        return max(0.0, self._others() - self._before) / (time.monotonic() - self._began) / cores

    def in_words(self) -> str:
        """The share, in words for the table."""
        return f"other programs took {self.share():.0%} of the machine"

    @staticmethod
    def _others() -> float:
        """Processor seconds used by other programs: all, without this process and its ended children."""
        user, nice, system, _idle, _wait, irq, softirq, steal, *_ = Path("/proc/stat").read_text().split()[1:]
        busy = sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")
        ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return busy - sum(one.ru_utime + one.ru_stime for one in ours)


def describe(folder: Path) -> dict[str, str]:
    """What the figures depend on, by name, in the order of the table."""
    return {
        "processor": f"{_cpu()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', 'Linux')}, kernel {platform.release()}",
        "disk": f"{filesystem(folder)}; writing 4 KiB and syncing takes {sync_us(folder):.0f} µs (median)",
        "durability": "SQLite: WAL with synchronous=FULL; PostgreSQL: its defaults (fsync and synchronous_commit on)",
        "versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
    }


def versions() -> dict[str, str]:
    """The versions of what is measured; what is not installed is left out."""
    found = {"Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    binaries = postgres.programs()
    if binaries:
        found["PostgreSQL"] = _said(str(binaries / "postgres"), "--version")
    for program, option in (("wrk", "-v"), ("webhook", "-version")):
        if shutil.which(program):
            found[program] = _said(program, option)
    return found


def filesystem(folder: Path) -> str:
    """The type of a folder's file system."""
    mounts = [line.split(" ")[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(where, kind) for where, kind in mounts if folder.resolve().is_relative_to(where)]
    return max(holding, key=lambda mount: len(mount[0]))[1]


def sync_us(folder: Path) -> float:
    """The median time of a small write with fsync, in microseconds."""
    path = folder / "sync"
    took = []
    with path.open("wb") as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(took) * 1_000_000


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _said(*command: str) -> str:
    """The version number that a program prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"
