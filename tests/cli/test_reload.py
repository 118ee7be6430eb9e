"""`serve --reload`: what is loaded again, what is printed, and what needs a restart."""

import asyncio
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import handlers
from receiver.cli import load_check, output
from receiver.cli.reload import Reloader
from receiver.cli.scenario_run import last_line, scenario_run
from receiver.components import Components, load_components
from receiver.providers.voicenter import Hangup, IvrRequest, Menu
from receiver.settings import load
from tests.support import eventually

MODULE = """
from receiver import Handlers
from receiver.providers.voicenter import *
handlers = Handlers()

@handlers.answer(IvrRequest)
def reply(step): return {reply}
"""
IMPORTS_INSIDE = """
from receiver import Handlers
from receiver.providers.voicenter import Hangup, IvrRequest
import helper
handlers = Handlers()

@handlers.answer(IvrRequest)
def reply(step):
    from helper import REC
    return Hangup(rec=REC)
"""
WAITS_AND_FAILS = """\
import time
from pathlib import Path
REC = "broken"
Path("importing").touch()
until = time.monotonic() + 10
while time.monotonic() < until and not Path("asked").exists():
    pass
1 / 0
"""
TOML = 'handlers = ["mine"]\n'


class Author:
    """A working folder with a module, and a receiver that looks for changes when it is asked to."""

    def __init__(self, folder: Path, components: Components, reloader: Reloader, printed: io.StringIO) -> None:
        self.folder = folder
        self.components = components
        self.reloader = reloader
        self._printed = printed
        self._clock = 1_700_000_000

    def save(self, name: str, text: str) -> None:
        """Write a file, a second later than the last one."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._clock += 1
        os.utime(path, (self._clock, self._clock))

    async def look(self) -> str:
        """What is printed when the receiver looks for changes."""
        self._printed.seek(0)
        self._printed.truncate()
        await self.reloader.look()
        return self._printed.getvalue()

    @property
    def reply(self) -> Any:
        """What a question is answered with."""
        handler = self.components.registry.answerer(IvrRequest())
        return handler and handler.function(IvrRequest())


@pytest.fixture
def scenarios() -> list[str]:
    """The lines that runs of the scenarios have printed."""
    return []


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenarios: list[str]) -> Iterator[Author]:
    """A folder whose module hangs up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(handlers, "__path__", list(handlers.__path__))
    before = dict(sys.modules)
    printed = io.StringIO()
    monkeypatch.setattr(output, "errors", Console(file=printed, width=200))
    (tmp_path / "mine.py").write_text(MODULE.format(reply="Hangup()"))
    (tmp_path / "receiver.toml").write_text(TOML)
    components = load_components(load())

    async def run_scenarios() -> str:
        scenarios.append("1 passed, 0 failed")
        return scenarios[-1]

    reloader = Reloader(components, {}, console=Console(file=printed, width=200), run_scenarios=run_scenarios)
    yield Author(tmp_path, components, reloader, printed)
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


async def test_a_changed_module_answers_the_next_question(author: Author) -> None:
    """One line says what was loaded and how long it took; without a change nothing is done or printed."""
    assert await author.look() == ""
    assert author.reply == Hangup()
    author.save("mine.py", MODULE.format(reply="Menu(menu='main', rec='hi', size=1)"))
    printed = await author.look()
    assert printed.startswith("reloaded mine.py in ")
    assert printed.count("\n") == 1
    assert author.reply == Menu(menu="main", rec="hi", size=1)
    assert await author.look() == ""


async def test_a_module_that_another_one_imports_is_watched(author: Author) -> None:
    """Wherever it lies in the folder; a file that nothing imports is not."""
    author.save("texts/goodbye.py", "REC = 'bye'\n")
    author.save("mine.py", MODULE.format(reply="Hangup(rec=goodbye.REC)") + "from texts import goodbye\n")
    await author.look()
    author.save("texts/goodbye.py", "REC = 'see you'\n")
    assert "reloaded texts/goodbye.py" in await author.look()
    assert author.reply == Hangup(rec="see you")
    author.save("test_mine.py", "")
    assert await author.look() == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from receiver import Handlers\n1 / 0\n", "ZeroDivisionError: division by zero (mine.py, line 2)"),
        ("def oops(:\n", "SyntaxError: invalid syntax (mine.py, line 1)"),
        (MODULE.format(reply="Hangup()").replace("IvrRequest)\ndef", "Cdr)\ndef"), "Cdr is not a question; use `on`"),
        (MODULE.format(reply="Hangup()").replace("(step)", "()"), "takes 0 arguments; a handler takes its event"),
        ("x = 1\n", "mine has no `handlers = Handlers()`"),
        ("import sys; sys.exit()\n", "SystemExit:  (mine.py, line 1)"),
    ],
)
async def test_what_does_not_load_is_printed_and_the_old_handlers_go_on(author: Author, text: str, said: str) -> None:
    """With the author's file and line; when it works again, one line says so."""
    author.save("mine.py", text)
    printed = await author.look()
    assert said in printed
    assert "(mine.py, line" in printed or "mine has no" in printed
    assert "not reloaded: the previous code still answers" in printed
    assert "Traceback" not in printed
    assert author.reply == Hangup()
    author.save("mine.py", MODULE.format(reply="Hangup(rec='bye')"))
    assert (await author.look()).startswith("reloaded mine.py")
    assert author.reply == Hangup(rec="bye")


async def test_old_handlers_import_from_the_old_modules_while_a_change_fails(author: Author) -> None:
    """An import inside of the function gets the module from before, also while the broken one is being imported."""
    author.save("helper.py", "REC = 'old'\n")
    author.save("mine.py", IMPORTS_INSIDE)
    await author.look()
    author.save("helper.py", WAITS_AND_FAILS)
    looking = asyncio.create_task(author.look())
    await eventually((author.folder / "importing").exists)
    assert author.reply == Hangup(rec="old")
    (author.folder / "asked").touch()
    assert "ZeroDivisionError: division by zero (helper.py, line 8)" in await looking
    assert author.reply == Hangup(rec="old")


async def test_what_fails_is_never_imported_in_the_receivers_process(author: Author) -> None:
    """A module that ends its program, in whatever way, ends only the process that checks it."""
    author.save("mine.py", "import os, sys\nprint(1)\nsys.stdout.flush()\nos._exit(7)\n")
    assert "a module ended the program while it was imported, with exit code 7" in await author.look()
    author.save("mine.py", "raise KeyboardInterrupt\n")
    assert "KeyboardInterrupt:  (mine.py, line 1)" in await author.look()
    assert author.reply == Hangup()


async def test_a_check_that_takes_too_long_is_ended(author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module may wait for something forever."""
    monkeypatch.setattr(load_check, "CHECK_SECONDS", 0.1)
    author.save("mine.py", "import threading\nthreading.Event().wait()\n")
    assert "the modules were not imported within 0.1 s" in await author.look()
    assert author.reply == Hangup()


async def test_a_module_that_was_missing_is_noticed(author: Author) -> None:
    """Nothing imports it yet, because what would import it does not load."""
    author.save("mine.py", MODULE.format(reply="Hangup(rec=REC)") + "from helper import REC\n")
    assert "needs a module that is not installed: helper (mine.py, line 8)" in await author.look()
    author.save("helper.py", "REC = 'bye'\n")
    assert "reloaded helper.py" in await author.look()
    assert author.reply == Hangup(rec="bye")


async def test_settings_are_loaded_again(author: Author) -> None:
    """Of handlers and of providers, and the deadline; what is missing or wrong is named, and changes nothing."""
    text = (
        TOML + "deadline = 1.5\n[handler_settings.mine]\nurl = 'x'\n"
        "[[providers.voicenter.fallbacks]]\nkind = 'GET_IVR_ACTION'\naction = 'HANGUP'\n"
    )
    author.save("receiver.toml", text)
    assert "reloaded receiver.toml in " in await author.look()
    registry = author.components.registry
    assert registry.defaults.deadline == 1.5
    assert [handler.settings for handler in registry] == [{"url": "x"}]
    assert author.components.providers["voicenter"].fallback(IvrRequest()) == Hangup()
    for broken, said in (
        ("deadline = -1\n", "deadline: "),
        ("dead_line = 1\n", "dead_line: there is no such setting"),
        ("deadline = \n", "receiver.toml is not valid TOML"),
        ("handlers = ['mine', 'gone']\n", "there is no module 'gone'"),
    ):
        author.save("receiver.toml", broken)
        assert said in await author.look()
    assert registry.defaults.deadline == 1.5


async def test_what_needs_a_restart_is_named_and_stays_as_it_was(author: Author) -> None:
    """All else in the file counts at once."""
    text = TOML + "port = 9000\nmax_depth = 9\ndeadline = 2.0\n"
    options = "[providers.voicenter]\npath = 'calls'\nlanguage = 'en'\npopup_origins = ['*']\n"
    author.save("receiver.toml", text + options)
    printed = await author.look()
    assert "restart to apply: port, max_depth, providers.voicenter.path, providers.voicenter.popup_origins" in printed
    voicenter = author.components.providers["voicenter"]
    assert (voicenter.path, voicenter.options.language, voicenter.cors_origins) == ("/voicenter", "en", ())
    author.save("receiver.toml", TOML)
    assert "restart" not in await author.look()
    author.save("receiver.toml", TOML + "[providers.voicenter]\npath = 'no good'\n")
    assert "providers.voicenter.path" in await author.look()


async def test_handlers_of_the_command_line_stay(tmp_path: Path, author: Author) -> None:
    """An option counts more than the file, after a reload as well."""
    reloader = Reloader(author.components, {"handlers": ["mine"]}, console=Console(file=io.StringIO()))
    author.save("receiver.toml", "handlers = ['handlers.demo']\n")
    await reloader.look()
    assert {handler.module for handler in author.components.registry} == {"mine"}


async def test_the_scenarios_run_after_each_reload(author: Author, scenarios: list[str]) -> None:
    """If there are any; a change of theirs alone runs them, and loads nothing."""
    author.save("mine.py", MODULE.format(reply="Hangup(rec='a')"))
    await author.look()
    assert scenarios == []
    author.save("scenarios/sales.toml", "first")
    assert await author.look() == ""
    await eventually(lambda: len(scenarios) == 1)
    author.save("mine.py", MODULE.format(reply="Hangup(rec='b')"))
    assert "reloaded mine.py" in await author.look()
    await eventually(lambda: len(scenarios) == 2)
    author.save("mine.py", "broken(")
    author.save("scenarios/sales.toml", "second")
    await author.look()
    assert len(scenarios) == 2
    await author.reloader.stop()


async def test_the_journals_own_files_are_no_change(author: Author) -> None:
    """They are written all the time."""
    author.save("receiver.db", "x")
    author.save(".hidden.py", "x")
    author.save(".git/config.py", "x")
    assert await author.look() == ""


async def test_the_last_line_of_a_command_is_what_is_printed() -> None:
    """Of the scenarios: how many passed and failed."""
    code = "import os; print('a\\n' + os.environ['WHICH'] + '\\n')"
    assert await last_line([sys.executable, "-c", code], {"WHICH": "2 passed, 1 failed"}) == "2 passed, 1 failed"
    silent = await last_line([sys.executable, "-c", "raise SystemExit(3)"], {})
    assert "ended with 3 and printed nothing" in silent


def test_scenarios_are_run_by_a_command_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such command, no run: an older or a smaller installation has none."""
    monkeypatch.setattr("receiver.cli.scenario_run.COMMAND", "no-such-command")
    assert scenario_run({}) is None
    monkeypatch.setattr("receiver.cli.scenario_run.COMMAND", "send")
    assert scenario_run({}) is not None
