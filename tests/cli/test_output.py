"""Output for handler authors and operators: typed events, handler modules, and logged failures."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from receiver import cli
from receiver.settings import load
from tests.scenarios.serving import COMMAND, Receiver, run

MODULE = """
from receiver import Handlers
from receiver.providers.voicenter import Cdr

handlers = Handlers()


@handlers.on(Cdr, attempts=1)
def fail(cdr):
    check(cdr.caller)


def check(caller):
    raise ValueError(f"no customer {caller}")
"""
CDR = {"ivruniqueid": "shown", "caller": "0541234567", "duration": "1_2", "NewField": {"a": 1}, "time": 1536855354}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two handler modules."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(MODULE)
    return tmp_path


def _wait_for(condition: object, receiver: Receiver) -> str:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        output = "".join(receiver.output)
        if str(condition) in output:
            return output
        time.sleep(0.05)
    raise AssertionError("".join(receiver.output))


def test_show_has_the_typed_event(folder: Path) -> None:
    """As a table, and as `event` in JSON: its fields, `extra` and `unread`."""
    receiver = Receiver(folder, "--handlers", "one")
    try:
        httpx.post(f"{receiver.url}/voicenter", json=CDR)
        httpx.post(f"{receiver.url}/voicenter", content=b"{")
    finally:
        receiver.stop()
    lines = [" ".join(line.split()) for line in run(folder, "callbacks", "show", "1").stdout.splitlines()]
    assert {"event Cdr", "caller 0541234567", "unread duration", "time 1536855354"} <= set(lines)
    assert 'extra: NewField {"a": 1}' in lines
    shown = json.loads(run(folder, "callbacks", "show", "1", "--json").stdout)
    event = shown["event"]
    assert (shown["event_type"], event["caller"], event["duration"]) == ("Cdr", "0541234567", None)
    assert (event["extra"], event["unread"]) == ({"NewField": {"a": 1}}, ["duration"])
    broken = json.loads(run(folder, "callbacks", "show", "2", "--json").stdout)
    assert broken["event"] is None
    assert "JSON is broken" in broken["event_error"]
    assert "no event: callback 2 cannot be read: the JSON is broken" in run(folder, "callbacks", "show", "2").stdout
    [story] = [json.loads(line) for line in run(folder, "call", "shown", "--json").stdout.splitlines()]
    assert story["event_type"] == "Cdr"


@pytest.mark.parametrize("options", [["--handlers", "one", "--handlers", "two"], ["--handlers", "one, two"]])
def test_all_handler_modules_that_are_named_are_loaded(folder: Path, options: list[str]) -> None:
    """With the option repeated, or with commas."""
    listed = run(folder, "check", *options).stdout
    assert "one.fail" in listed
    assert "two.fail" in listed


def test_options_and_commas_mix() -> None:
    """The modules are in the order of the command line; without the option the setting is used."""
    assert load(handlers=["a, b", "c"]).handlers == ["a", "b", "c"]
    assert load(handlers=[]).handlers == load().handlers == ["handlers.demo"]


def test_the_log_names_the_error_and_the_line_of_a_failing_handler(folder: Path) -> None:
    """Without its text, which may contain a caller's number: this log goes to a file."""
    receiver = Receiver(folder, "--handlers", "one")
    try:
        httpx.post(f"{receiver.url}/voicenter", json=CDR)
        output = _wait_for("gave up", receiver)
        _wait_for("ValueError", receiver)
        output = "".join(receiver.output)
    finally:
        receiver.stop()
    assert f"ValueError at {folder}/one.py:14" in output
    assert "0541234567" not in output


def test_on_a_terminal_the_author_sees_the_text_and_the_traceback(folder: Path) -> None:
    """With `serve` on loopback in a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--handlers", "one"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("RECEIVER_")},
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        url = next(line.split()[-1] for line in process.stdout if "listens on" in line)
        httpx.post(f"{url}/voicenter", json=CDR)
        shown = b""
        until = time.monotonic() + 20
        while b"ValueError: no customer 0541234567" not in shown and time.monotonic() < until:
            shown += os.read(ours, 65536)
        process.terminate()
        process.stdout.read()
    os.close(ours)
    assert b"Traceback" in shown
    assert b"one.py" in shown


def test_the_line_is_the_authors_own_not_that_of_a_library(tmp_path: Path) -> None:
    """For an exception in a library the log has the handler's own line."""
    program = """
import json, logging, sys
from receiver import Handlers
from receiver.cli import logs
from receiver.plugins.failures import log_failure
from receiver.providers.voicenter import Cdr
from receiver.settings import Settings

handlers = Handlers()
handlers.on(Cdr)(lambda cdr: json.loads(cdr.caller))
[handler] = handlers
logs.configure(Settings(log_format=sys.argv[1]))
try:
    handler.function(Cdr(caller="x"))
except ValueError as error:
    log_failure(logging.getLogger("a"), logging.ERROR, handler, error, "%s failed", handler.name, delivery=7)
"""
    (tmp_path / "program.py").write_text(program)
    for format_ in ("text", "json"):
        done = subprocess.run(
            [sys.executable, "program.py", format_], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert f"JSONDecodeError at {tmp_path}/program.py:10" in done.stderr
        assert "delivery" in done.stderr


def test_times_are_formatted_in_one_place() -> None:
    """There they get their offset: a time without one is ambiguous, twice a year also within one zone."""
    others = [path for path in Path(cli.__file__).parent.glob("*.py") if path.name != "times.py"]
    assert [path.name for path in others if re.search(r"%H:%M|strftime", path.read_text())] == []
