"""`receiver flow`, and what `receiver check` says of flows."""

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from receiver.cli import app

MODULE = """
from receiver import Handlers, Setting
from receiver.flow import Flow

handlers = Handlers()
for name in {names}:
    flow = Flow(name, start="main", languages=("he", "en"), recordings="{{rec}}_{{language}}")
    flow.menu("main", "welcome", {{"1": "desk", "2": {second!r}}})
    flow.dial("desk", Setting("desk"), rec={{"he": "wait", "en": "wait"}}, whisper=Setting("whisper"))
    flow.end("bye", "welcome")
    flow.attach(handlers, did=name)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with modules that have flows: none wrong, one wrong, two."""
    modules = [("sound", ["office"], "bye"), ("wrong", ["office"], "b[y]e"), ("two", ["a", "b"], "bye")]
    for module, names, second in modules:
        (tmp_path / f"{module}.py").write_text(MODULE.format(names=names, second=second), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    tables = [f'[handler_settings.{module}]\ndesk = "0540000000"\nwhisper = "psst"\n' for module, _, _ in modules]
    (tmp_path / "receiver.toml").write_text("".join(tables), encoding="utf-8")
    yield tmp_path
    for module in ("sound", "wrong", "two"):
        sys.modules.pop(module, None)


def receiver(*arguments: str, code: int = 0) -> Result:
    """A command as it is typed."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_a_sound_flow_has_no_problem() -> None:
    """One line for each flow."""
    assert receiver("flow", "check", "--handlers", "sound").stdout == "office: 3 nodes, no problem\n"
    said = receiver("flow", "check", "--handlers", "two").stdout.splitlines()
    assert said == ["a: 3 nodes, no problem", "b: 3 nodes, no problem"]


def test_problems_are_said_and_make_the_exit_code_1() -> None:
    """One line for each, which no terminal cuts; or one JSON object a line."""
    assert receiver("flow", "check", "office", "--handlers", "wrong", code=1).stdout.splitlines() == [
        "office: 3 nodes, 2 problem(s)",
        "  main: 2 leads to 'b[y]e', which is not a node",
        "  bye: no path leads here; add a key that leads here, or name it in `to=` of the node whose function does",
    ]
    lines = receiver("flow", "check", "--json", "--handlers", "wrong", code=1).stdout.splitlines()
    assert json.loads(lines[0]) == {
        "flow": "office",
        "kind": "unknown_target",
        "node": "main",
        "text": "2 leads to 'b[y]e', which is not a node",
    }


def test_a_setting_that_is_missing_is_a_problem(folder: Path) -> None:
    """Callers who come there would get the fallback."""
    (folder / "receiver.toml").write_text('[handler_settings.sound]\ndesk = "0540000000"\n', encoding="utf-8")
    said = receiver("flow", "check", "--handlers", "sound", code=1).stdout
    assert "desk: the setting whisper is missing; add it to the table of the module in receiver.toml" in said


def test_check_of_everything_says_what_is_wrong_with_flows() -> None:
    """As a note: the receiver starts all the same."""
    said = " ".join(receiver("check", "--handlers", "wrong").stdout.split())
    assert "note: flow office: main: 2 leads to 'b[y]e', which is not a node" in said
    assert "note: flow" not in receiver("check", "--handlers", "sound").stdout


def test_a_flow_is_drawn_in_the_terminal() -> None:
    """Each flow of the modules, or the one that was named."""
    said = receiver("flow", "draw", "--handlers", "two").stdout
    assert [line for line in said.splitlines() if line[:1] in "ab"] == ["a  3 nodes, he en", "b  3 nodes, he en"]
    assert "1 desk  dial setting desk, 30 s" in said
    assert "b  3 nodes" not in receiver("flow", "draw", "a", "--handlers", "two").stdout


def test_a_flow_is_drawn_to_a_file(folder: Path) -> None:
    """As an SVG; a second drawing takes the place of the first."""
    for _ in range(2):
        receiver("flow", "draw", "--out", "office.svg", "--handlers", "sound")
    assert ET.parse(folder / "office.svg").getroot().get("aria-label") == "flow office"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nope", "--handlers", "sound"], "there is no flow 'nope'; there are office"),
        (["check", "--handlers", "handlers.demo"], "handlers.demo attaches no flow"),
        (["draw", "--out", "x.svg", "--handlers", "two"], "--out takes one flow; name one of a, b"),
        (["draw", "--out", "missing/x.svg", "--handlers", "sound"], "missing/x.svg cannot be written"),
    ],
)
def test_a_mistake_gets_one_clear_line(arguments: list[str], message: str) -> None:
    """And the exit code 2."""
    assert message in receiver("flow", *arguments, code=2).stderr


def test_recordings_are_listed_with_the_nodes_that_play_them() -> None:
    """Each file once; what only a setting knows is named by it."""
    assert receiver("flow", "recordings", "--handlers", "sound").stdout.splitlines() == [
        "welcome_he       he  main, bye",
        "welcome_en       en  main, bye",
        "wait                 desk",
        "setting whisper      desk",
    ]
    lines = receiver("flow", "recordings", "--json", "--handlers", "sound").stdout.splitlines()
    assert json.loads(lines[0]) == {
        "flow": "office",
        "file": "welcome_he",
        "language": "he",
        "nodes": ["main", "bye"],
        "is_known": True,
    }
    assert json.loads(lines[-1])["is_known"] is False
