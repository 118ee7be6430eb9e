"""Import the modules of handler authors again while the receiver runs."""

import importlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from uuid import uuid4

from receiver.plugins.failures import is_of_an_author


@dataclass(frozen=True, slots=True)
class Authored:
    """Recognises the modules of handler authors: those below a folder, and those with these names.

    The receiver, Python's own modules, installed packages and the packages in `keep` are never among them.
    """

    folder: Path
    named: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()

    def modules(self) -> dict[str, ModuleType]:
        """Those that are currently imported, by name."""
        return {
            name: module
            for name, module in list(sys.modules.items())
            if (file := getattr(module, "__file__", None))
            and (name in self.named or Path(file).is_relative_to(self.folder))
            and name != "__main__"
            and name.partition(".")[0] not in self.keep
            and is_of_an_author(file)
        }


@contextmanager
def imported_again(authored: Authored) -> Iterator[None]:
    """Inside the block the authors' modules are imported again, from their source.

    All of them, because one that did not change may hold what another one defined before. If the block raises, the
    modules from before are back, and none of the new ones stays.
    """
    before = authored.modules()
    _forget(before)
    importlib.invalidate_caches()  # a file may have been added in the same second in which its folder was last read
    try:
        with without_bytecode():
            yield
    except BaseException:
        _forget(authored.modules())
        _bring_back(before)
        raise


def _forget(modules: Mapping[str, ModuleType]) -> None:
    for name, module in modules.items():
        sys.modules.pop(name, None)
        package, _, child = name.rpartition(".")
        # `from package import child` takes the attribute of a package that stays, such as a namespace package.
        if getattr(sys.modules.get(package), child, None) is module:
            delattr(sys.modules[package], child)


def _bring_back(modules: Mapping[str, ModuleType]) -> None:
    sys.modules.update(modules)
    for name, module in modules.items():
        package, _, child = name.rpartition(".")
        with suppress(KeyError):
            setattr(sys.modules[package], child, module)


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Neither read nor write cached bytecode: it counts as current if size and second of the source are the same.

    An author, or a program, may well save a file twice in a second.
    """
    prefix, is_off = sys.pycache_prefix, sys.dont_write_bytecode
    sys.pycache_prefix = str(Path(tempfile.gettempdir()) / f"no-bytecode-{uuid4().hex}")
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.pycache_prefix, sys.dont_write_bytecode = prefix, is_off
