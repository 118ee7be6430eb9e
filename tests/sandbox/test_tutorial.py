"""The tutorial of the sandbox: its commands print what it shows, and its test passes."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from receiver.sandbox.api_faults import REPLIES
from receiver.sandbox.discovery import discover
from receiver.sandbox.settings import CallbackFaults, FaultRule, Phone, SandboxSettings, load_settings
from tests.scenarios.serving import COMMAND, free_port, serving

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
TEXT = PAGE.read_text(encoding="utf-8")


def steps() -> Iterator[tuple[str, str]]:
    """Each command of the tutorial with what it prints."""
    for block in re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command, output


def matches(shown: str, printed: str) -> bool:
    """Whether an output is the one that is shown; … stands for anything."""
    pattern = ".*".join(re.escape(piece.strip("\n")) for piece in shown.split("…"))
    return re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL) is not None


def test_the_commands_of_the_tutorial_print_what_it_shows(tmp_path: Path) -> None:
    """From the first call to lost callbacks and errors on demand, with a receiver and a sandbox of their own."""
    ports = {"8000": str(free_port()), "8001": str(free_port())}
    shown = [tuple(re.sub(r"\b800[01]\b", lambda found: ports[found[0]], text) for text in step) for step in steps()]
    with ExitStack() as stack:
        for command, output in shown:
            words = shlex.split(command)
            if words[:2] in (["receiver", "serve"], ["receiver", "sandbox"]):
                server = stack.enter_context(serving(tmp_path, options=words[1:]))
                assert matches(output or "…", "".join(server.output)), server.output
                continue
            if words[0] == "receiver":
                words = [*COMMAND, *words[1:]]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
            assert matches(output, done.stdout), f"$ {command}\n{done.stdout}"


def test_the_test_of_the_tutorial_passes(tmp_path: Path) -> None:
    """The fixture `sandbox` is there where the receiver is installed."""
    [block] = re.findall(r"^```python\n(# test_callback\.py\n.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "test_callback.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_callback.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_settings_file_of_the_tutorial_is_accepted(tmp_path: Path) -> None:
    """It is one that the sandbox starts with."""
    [block] = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    file = tmp_path / "sandbox.toml"
    file.write_text(block, encoding="utf-8")
    settings = load_settings(file, seed=5)
    assert (settings.seed, settings.callbacks.drop, settings.fault[0].call) == (5, 0.2, "call_log")
    options = discover()["voicenter"].options_type.model_validate(settings.providers["voicenter"])
    assert options.model_dump()["codes"] == ["secret-code"]


MODELS = [SandboxSettings, CallbackFaults, FaultRule, Phone, *(part.options_type for part in discover().values())]


@pytest.mark.parametrize("model", MODELS)
def test_every_setting_of_the_sandbox_is_documented(model: type[SandboxSettings]) -> None:
    """Whatever the settings file takes stands on the page."""
    told = set(re.findall(r"`([^`\n]+)`", TEXT))
    tables = {"fault": "[[fault]]", "callbacks": "[callbacks]", "numbers": "[numbers.NUMBER]"}
    tables["providers"] = "[providers.NAME]"
    wanted = {tables.get(name, name) for name in model.model_fields} if model is SandboxSettings else model.model_fields
    assert set(wanted) - told == set()
    assert set(REPLIES) <= told
