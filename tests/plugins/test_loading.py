"""Loading of handler modules."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import handlers
from receiver.errors import HandlerError, ReceiverError, SettingsError
from receiver.plugins.loading import load
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Provider
from receiver.providers.base.discovery import discover
from receiver.providers.voicenter import IvrRequest

PROVIDERS: dict[str, Provider[Any]] = {name: provider(provider.options_type()) for name, provider in discover().items()}
HEAD = "from receiver import *\nfrom receiver.providers.voicenter import *\nhandlers = Handlers()\n"


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working folder; modules that are imported from it are removed from `sys.modules`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(handlers, "__path__", list(handlers.__path__))
    before = dict(sys.modules)
    yield
    sys.modules.clear()
    sys.modules.update(before)


def _load(*names: str) -> Registry:
    return load(names, PROVIDERS)


def test_a_module_in_the_working_folder_is_found(tmp_path: Path) -> None:
    """Its handlers are named after it, and keep the order they were written in."""
    (tmp_path / "mine.py").write_text(
        HEAD
        + "@handlers.answer(IvrRequest)\ndef one(step): return Hangup()\n"
        + "@handlers.on(CallRecord)\ndef two(record): pass\n"
    )
    assert [handler.name for handler in _load("mine")] == ["mine.one", "mine.two"]


def test_a_folder_named_handlers_extends_the_bundled_one(tmp_path: Path) -> None:
    """The bundled folder has no __init__.py, so modules of both can be imported."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "of_this_firm.py").write_text(HEAD)
    _load("handlers.demo", "handlers.of_this_firm")


def test_a_users_module_replaces_the_bundled_one_of_the_same_name(tmp_path: Path) -> None:
    """A changed copy of the demo in the user's folder is used instead of the demo."""
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "demo.py").write_text(HEAD + "@handlers.on(CallRecord, name='mine')\ndef f(r): pass\n")
    sys.modules.pop("handlers.demo", None)
    assert [handler.name for handler in _load("handlers.demo")] == ["mine"]


def test_the_bundled_modules_load() -> None:
    """The demo answers all three questions."""
    registry = _load("handlers.demo")
    assert registry.answerer(IvrRequest()) is not None
    assert registry.overlaps() == []


def test_an_entry_point_is_found_by_its_name(tmp_path: Path) -> None:
    """An installed package offers its module under a short name."""
    (tmp_path / "firm_calls.py").write_text(HEAD + "@handlers.on(CallRecord)\ndef note(record): pass\n")
    info = tmp_path / "firm_calls-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: firm-calls\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[receiver.handlers]\nfirm = firm_calls\n")
    sys.path.append(str(tmp_path))
    assert [handler.name for handler in _load("firm")] == ["firm_calls.note"]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (None, SettingsError, "there is no module 'mine'"),
        ("import nothing_like_this\n", SettingsError, "not installed: nothing_like_this"),
        ("1 / 0\n", SettingsError, "ZeroDivisionError"),
        ("def oops(:\n", SettingsError, "SyntaxError"),
        ("x = 1\n", SettingsError, "has no `handlers = Handlers\\(\\)`"),
        (HEAD + "@handlers.on(IvrRequest)\ndef f(step): pass\n", HandlerError, "use `answer`, not `on`"),
        (HEAD + "@handlers.answer(Cdr)\ndef f(cdr): pass\n", HandlerError, "use `on`, not `answer`"),
        (
            HEAD + "for _ in 'ab':\n    @handlers.on(Cdr)\n    def f(cdr): pass\n",
            HandlerError,
            "two handlers are named 'mine.f'",
        ),
    ],
)
def test_a_module_that_cannot_work_says_what_to_do(
    tmp_path: Path, source: str | None, error: type[ReceiverError], message: str
) -> None:
    """Only our own errors are raised, and each names the module or the function."""
    if source is not None:
        (tmp_path / "mine.py").write_text(source)
    with pytest.raises(error, match=message):
        _load("mine")


def test_a_missing_extra_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundled modules, and copies of them, may need packages that are not installed by default."""
    monkeypatch.setitem(sys.modules, "standardwebhooks", None)
    (tmp_path / "mine.py").write_text("import standardwebhooks\n")
    with pytest.raises(
        SettingsError, match=r"standardwebhooks; install it: pip install 'callback-receiver\[handlers\]'"
    ):
        _load("mine")


def test_a_renamed_handler_keeps_its_old_name_as_an_alias(tmp_path: Path) -> None:
    """Deliveries with the old name still find it."""
    (tmp_path / "mine.py").write_text(HEAD + "@handlers.on(Cdr, name='new', aliases=['old'])\ndef f(cdr): pass\n")
    registry = _load("mine")
    assert registry.named("old") is registry.named("new")
    assert set(registry.listener_names) == {"new", "old"}
