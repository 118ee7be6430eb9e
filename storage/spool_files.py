"""The spool files of the receivers in one folder: each process has one of its own, and moves what others have left."""

from collections.abc import Iterator
from pathlib import Path

from storage.errors import StoreUnavailableError
from storage.spool import Spool, SpoolInUseError, count_in

MAX_FILES = 64
"""Spools in one folder: more than that many processes do not run on one machine."""


def open_own(path: Path) -> Spool:
    """The spool of this process: `path`, or while others use it `NAME-2.db` and so on.

    Callbacks that an earlier process has left come first. Raises StoreUnavailableError.
    """
    for candidate in sorted(_candidates(path), key=lambda file: not _has_callbacks(file)):
        spool = Spool(candidate)
        try:
            spool.open()
        except SpoolInUseError:
            continue
        return spool
    raise StoreUnavailableError(f"{MAX_FILES} receivers use the spool {path}: set `spool` to another file for this one")


def left_behind(path: Path, own: Path | None = None) -> Iterator[Spool]:
    """The spools beside `path` that have callbacks and no process any more, each open until the next is asked for."""
    for candidate in _candidates(path):
        if candidate == own or not _has_callbacks(candidate):
            continue
        spool = Spool(candidate)
        try:
            spool.open()
        except SpoolInUseError:
            continue
        try:
            yield spool
        finally:
            spool.close()


def count_in_all(path: Path) -> tuple[int, int]:
    """How many callbacks wait in the spools of a folder, and how many the journal rejected; as `count_in` for one."""
    counts = [count_in(candidate) for candidate in _candidates(path)]
    return sum(waiting for waiting, _ in counts), sum(rejected for _, rejected in counts)


def _candidates(path: Path) -> list[Path]:
    return [path, *(path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, MAX_FILES + 1))]


def _has_callbacks(path: Path) -> bool:
    try:
        return count_in(path)[0] > 0
    except StoreUnavailableError:
        return False
