"""What a command imports before it runs: only what it needs, so that it starts at once."""

import os
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_group
from typer.testing import CliRunner

import receiver.cli
from receiver.cli.commands import COMMANDS, GROUPS
from receiver.cli.main import app, database_url_of
from receiver.errors import SettingsError
from receiver.settings import load
from storage import Database

RUN = """
import sys
from receiver.cli import app
for words in sys.argv[2:]:
    app(words.split(), standalone_mode=False)
    found = {name for name in sys.argv[1].split() if name in sys.modules}
    assert not found, f"receiver {words}: {sorted(found)}"
"""
NO_JOURNAL = "sqlalchemy alembic receiver.settings storage.database pydantic_settings"
READING = (
    "alembic httpx pydantic_settings psycopg sqlalchemy.dialects.postgresql starlette textual uvicorn watchfiles "
    "receiver.app receiver.settings receiver.plugins receiver.providers receiver.wire receiver.intake receiver.web"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def journal(folder: Path) -> Path:
    """The same with an empty journal."""
    with Database(f"sqlite:///{folder}/receiver.db") as database:
        database.migrate()
    return folder


def imports_none(forbidden: str, *commands: str) -> None:
    """Run commands one after the other in a new process, and assert that none imports one of these modules."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, forbidden, *commands], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_help_imports_no_command(folder: Path) -> None:
    """The list of commands is a table; nothing of a journal, of settings or of a handler is loaded for it."""
    others = " ".join(f"receiver.cli.{name}" for name in COMMANDS)
    imports_none(f"{NO_JOURNAL} {READING} {others}", "--version", "--help")


def test_commands_that_only_read_the_journal_import_nothing_else(journal: Path) -> None:
    """Neither the server nor migrations nor providers nor the model of all settings, whatever the settings are."""
    (journal / "receiver.toml").write_text('port = 8001\nhandlers = ["handlers.demo"]\n')
    imports_none(
        READING,
        "callbacks list --limit 1",
        "callbacks list --json --call-id 1",
        "deliveries list",
        "deliveries drop --state due",
        "refused",
        "alarms list",
        "alarms unsilence all",
        "prune --older-than 1d",
    )


def test_every_command_is_in_the_list_with_its_own_help() -> None:
    """The list has the names and the first paragraph of the help of all that the modules of the package register."""
    for module in iter_modules(receiver.cli.__path__, "receiver.cli."):
        __import__(module.name)
    registered: dict[str, Any] = dict(get_group(app).commands)
    assert {name: _first_paragraph(command.help) for name, command in registered.items()} == COMMANDS


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def test_a_command_is_found_by_its_name_alone() -> None:
    """An unknown one is an error with those that are alike."""
    done = CliRunner().invoke(app, ["callback"])
    assert done.exit_code == 2
    assert "Did you mean 'callbacks'" in " ".join(done.output.split())


SOURCE = st.sampled_from([None, "sqlite:///a.db", "postgresql://me:secret@host/db"])
NAME = st.sampled_from(["RECEIVER_DATABASE_URL", "receiverdatabase_url_of"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    option=SOURCE,
    variable=SOURCE,
    in_file=SOURCE,
    name=NAME,
)
def test_a_reading_command_finds_the_journal_that_the_settings_name(
    folder: Path, option: str | None, variable: str | None, in_file: str | None, name: str
) -> None:
    """Option, environment, file and default, in this order, exactly as all settings are loaded."""
    file = folder / "receiver.toml"
    file.write_text(f"port = 8001\n{f'database_url = {in_file!r}' if in_file else ''}\n")
    with pytest.MonkeyPatch.context() as environment:
        if variable:
            environment.setenv(name, variable)
        assert database_url_of(option) == load(database_url=option).database_url.get_secret_value()


@pytest.mark.parametrize("text", ["database_url = ", "database_url = 7", b"\xff\xfe"])
def test_a_file_that_names_no_journal_is_an_error_as_ever(folder: Path, text: str | bytes) -> None:
    """What is no TOML, or no text, is reported by the same words as for `receiver serve`."""
    (folder / "receiver.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises((SettingsError, UnicodeDecodeError)) as expected:
        load()
    with pytest.raises(expected.type) as raised:
        database_url_of(None)
    assert str(raised.value) == str(expected.value)


def test_a_misspelt_variable_is_named_where_there_is_no_journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is probably the reason why there is none."""
    monkeypatch.setenv("RECEIVER_DATABASE_ULR", "sqlite:///elsewhere.db")
    done = CliRunner().invoke(app, ["callbacks", "list"])
    assert done.exit_code == 2
    assert "RECEIVER_DATABASE_ULR" in done.stderr


def test_public_names_are_loaded_when_they_are_used() -> None:
    """All of them, and no others."""
    assert all(getattr(receiver, name) is not None for name in receiver.__all__)
    with pytest.raises(AttributeError, match="module 'receiver' has no attribute 'Nothing'"):
        _ = receiver.Nothing  # type: ignore[attr-defined]  # the mistake that is tested


def test_each_command_is_under_one_heading_of_the_help() -> None:
    """A new command is found there; every heading has a panel of its own."""
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COMMANDS)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {heading} " in shown for heading in GROUPS)
    assert " Commands " not in shown
