"""Importing handler modules again while the receiver runs."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers
from receiver.errors import SettingsError
from receiver.plugins.loading import load
from receiver.plugins.registry import Registry
from receiver.plugins.reloading import Authored, imported_again
from receiver.providers.base.discovery import discover

PROVIDERS = {name: provider(provider.options_type()) for name, provider in discover().items()}
MODULE = """
from receiver import CallRecord, Handlers
{imports}
handlers = Handlers()

@handlers.on(CallRecord, name="{name}")
def f(record): return {value}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and a module table that forgets what was imported from it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(handlers, "__path__", list(handlers.__path__))
    before = dict(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


def write(path: Path, *, name: str = "f", value: str = "1", imports: str = "") -> None:
    """A handler module with one handler."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(MODULE.format(name=name, value=value, imports=imports))


def again(folder: Path, *names: str) -> Registry:
    """Load these handler modules anew."""
    with imported_again(Authored(folder)):
        return load(names, PROVIDERS)


def result(registry: Registry) -> object:
    """What its only handler returns."""
    [handler] = registry
    return handler.function(None)


def test_a_changed_module_is_imported_anew(folder: Path) -> None:
    """The table of modules has the new one, and the handler is the new function."""
    write(folder / "mine.py")
    assert result(load(["mine"], PROVIDERS)) == 1
    before = sys.modules["mine"]
    write(folder / "mine.py", value="2")
    assert result(again(folder, "mine")) == 2
    assert sys.modules["mine"] is not before


def test_a_file_that_is_saved_twice_in_a_second_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cached bytecode looks current: it has the second and the size of the source."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(folder / "mine.py")
    os.utime(folder / "mine.py", (1_700_000_000, 1_700_000_000))
    assert result(load(["mine"], PROVIDERS)) == 1
    write(folder / "mine.py", value="2")
    os.utime(folder / "mine.py", (1_700_000_000, 1_700_000_000))
    assert result(again(folder, "mine")) == 2
    assert (sys.pycache_prefix, sys.dont_write_bytecode) == (None, False)


def test_what_a_module_imports_from_the_folder_is_imported_anew(folder: Path) -> None:
    """Though the module itself did not change, and whichever way it is imported."""
    (folder / "prices").mkdir()
    for path in ("one.py", "prices/two.py"):
        (folder / path).write_text("VALUE = 1\n")
    write(folder / "mine.py", value="VALUE + two.VALUE", imports="from one import VALUE\nfrom prices import two\n")
    assert result(load(["mine"], PROVIDERS)) == 2
    (folder / "one.py").write_text("VALUE = 10\n")
    (folder / "prices" / "two.py").write_text("VALUE = 20\n")
    assert result(again(folder, "mine")) == 30


def test_a_module_in_the_handlers_folder_is_imported_anew(folder: Path) -> None:
    """That folder stands beside ours, and is a package without a file."""
    write(folder / "handlers" / "of_this_test.py")
    assert result(load(["handlers.of_this_test"], PROVIDERS)) == 1
    write(folder / "handlers" / "of_this_test.py", value="2")
    assert result(again(folder, "handlers.of_this_test")) == 2
    assert importlib.import_module("handlers").of_this_test is sys.modules["handlers.of_this_test"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0\n", r"ZeroDivisionError: division by zero \(helper\.py, line 1\)"),
        ("x = 1\ndef oops(:\n", r"SyntaxError: invalid syntax \(helper\.py, line 2\)"),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(helper\.py, line 2\)"),
        ("raise KeyboardInterrupt\n", r"KeyboardInterrupt:  \(helper\.py, line 1\)"),
        ("\nimport nothing_like_this\n", r"not installed: nothing_like_this \(helper\.py, line 2\)"),
    ],
)
def test_where_a_module_fails_those_from_before_are_back(folder: Path, source: str, said: str) -> None:
    """None is half imported, the message has the author's file and line, and the next try imports all of them."""
    for name in ("helper", "other"):
        (folder / f"{name}.py").write_text("VALUE = 1\n")
    write(folder / "mine.py", value="VALUE", imports="import other\nfrom helper import VALUE\n")
    load(["mine"], PROVIDERS)
    before = {name: sys.modules[name] for name in ("mine", "helper", "other")}
    (folder / "helper.py").write_text(source)
    with pytest.raises(SettingsError, match=said):
        again(folder, "mine")
    assert {name: sys.modules.get(name) for name in before} == before
    (folder / "helper.py").write_text("VALUE = 2\n")
    assert result(again(folder, "mine")) == 2


def test_a_new_module_that_fails_does_not_stay(folder: Path) -> None:
    """Nor does it stay as the attribute of its package."""
    write(folder / "mine.py")
    load(["mine"], PROVIDERS)
    (folder / "handlers").mkdir()
    (folder / "handlers" / "new_one.py").write_text("import handlers.new_two\n1 / 0\n")
    (folder / "handlers" / "new_two.py").write_text("")
    with pytest.raises(SettingsError):
        again(folder, "mine", "handlers.new_one")
    assert not {"handlers.new_one", "handlers.new_two"} & set(sys.modules)
    assert not hasattr(importlib.import_module("handlers"), "new_two")


def test_installed_packages_and_the_receiver_are_never_imported_anew(folder: Path) -> None:
    """Also where they lie below the working folder: their classes are in use."""
    found = Authored(Path("/"), keep=frozenset({"handlers"})).modules()
    assert not {"httpx", "receiver", "receiver.app", "storage", "json", "__main__", "handlers.demo"} & set(found)


def test_a_named_module_is_imported_anew_wherever_it_lies(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Such as one of a package that is installed for editing."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere / "editable.py")
    sys.path.append(str(elsewhere))
    load(["editable"], PROVIDERS)
    assert set(Authored(folder).modules()) == set()
    assert set(Authored(folder, named=frozenset({"editable"})).modules()) == {"editable"}
