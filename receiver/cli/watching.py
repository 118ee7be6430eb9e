"""Which files a reload depends on, and which of them have changed."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from receiver.setting_sources import FILE

SCENARIOS = "scenarios"
_IGNORED = {"__pycache__", "node_modules", "site-packages"}

Stamp = tuple[int, int]
"""When a file was written, in nanoseconds, and its size."""


class WatchedFiles:
    """The Python files, the settings and the scenarios of a working folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, Stamp] = {}

    def folders(self, modules: Collection[Path]) -> set[Path]:
        """Where these files lie, or may be created: the folder, what is right below it, and where the modules are."""
        below = {path for path in _folders_in(self._folder) if not (path / "pyvenv.cfg").exists()}
        handlers, scenarios = self._folder / "handlers", self._folder / SCENARIOS
        trees = {Path(root) for top in (handlers, scenarios) for root, _, _ in os.walk(top) if _is_watched(Path(root))}
        return {self._folder} | below | trees | {module.parent for module in modules if module.parent.is_dir()}

    def changes(self, modules: Collection[Path]) -> set[Path]:
        """What was written, created or deleted since the last time."""
        stamps = {
            path: stamp
            for folder in self.folders(modules)
            for path, stamp in _stamps(folder)
            if path.suffix == ".py" or self.is_settings(path) or self.is_scenario(path)
        }
        before, self._seen = self._seen, stamps
        return {path for path in before.keys() | stamps.keys() if before.get(path) != stamps.get(path)}

    def is_scenario(self, path: Path) -> bool:
        """Whether it belongs to the scenarios."""
        return path.is_relative_to(self._folder / SCENARIOS)

    def is_settings(self, path: Path) -> bool:
        """Whether it is receiver.toml."""
        return path == self._folder / FILE

    @property
    def has_scenarios(self) -> bool:
        """Whether there is a folder of scenarios."""
        return (self._folder / SCENARIOS).is_dir()


def _folders_in(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_dir() and _is_watched(Path(entry.path)))
    except OSError:
        return


def _is_watched(folder: Path) -> bool:
    return folder.name not in _IGNORED and not folder.name.startswith(".")


def _stamps(folder: Path) -> Iterator[tuple[Path, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        with suppress(OSError):
            if entry.is_file() and not entry.name.startswith("."):
                yield Path(entry.path), (entry.stat().st_mtime_ns, entry.stat().st_size)
