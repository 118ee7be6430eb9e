"""The tutorial, word for word: each file is written, each command is run, and prints what the page shows.

A block `console background` is a terminal of its own: its command goes on running, and its lines must appear. In what
is shown, "…" stands for any text and a line "..." for any lines.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.scenarios.serving import free_port, wait_until

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / "tutorial.md"]
_BLOCK = re.compile(r"^```(\w+)( background)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN_PORT = "8000"
pytestmark = pytest.mark.timeout(300)


@dataclass
class Reader:
    """A person who follows a page in an empty folder."""

    folder: Path
    port: str
    seconds: float = 0.0
    running: list["Background"] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """A shell in which the receiver is installed."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("RECEIVER_", "PYTEST"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"
        return {**plain, "PATH": path, "RECEIVER_PORT": self.port, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"}

    def follow(self, language: str, background: bool, text: str) -> None:
        """Do what a block says."""
        named = re.match(r"# (\S+\.(?:py|toml))\n", text)
        if language in {"python", "toml"} and named:
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            self._save(path, text)
        elif language == "console" and background:
            command, shown = _commands(text)[0]
            self.running.append(Background(command, self))
            self.running[-1].wait_for(shown)
        elif language == "console":
            for command, shown in _commands(text):
                self._run(command, shown)

    def _save(self, path: Path, text: str) -> None:
        """Save a file; what a running receiver loads again, it says in its terminal, and the reader waits for that."""
        before = [one.printed() for one in self.running]
        path.write_text(text, encoding="utf-8")
        if self.running and (path.suffix == ".toml" or "handlers = Handlers(" in text):
            wait_until(lambda: [one.printed() for one in self.running] != before, 60)

    def _run(self, command: str, shown: list[str]) -> None:
        if shown == ["# in the first terminal:"]:
            return
        began = time.perf_counter()
        done = subprocess.run(
            ["bash", "-c", self.real(command)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        self.seconds += time.perf_counter() - began
        printed = self.shown((done.stdout + done.stderr).rstrip()).splitlines()
        assert matches(shown, printed), (
            f"$ {command}\nshown:\n" + "\n".join(shown) + "\nprinted:\n" + "\n".join(printed)
        )

    def real(self, text: str) -> str:
        """A command with the port of this run."""
        return text.replace(SHOWN_PORT, self.port)

    def shown(self, text: str) -> str:
        """Output as the page shows it."""
        return text.replace(self.port, SHOWN_PORT).replace(str(self.folder), "/home/you/calls")


class Background:
    """A command in a terminal of its own."""

    def __init__(self, command: str, reader: Reader) -> None:
        self._reader = reader
        self._output = reader.folder.parent / f"terminal-{len(reader.running)}.txt"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {reader.real(command)}"],
                cwd=reader.folder,
                env=reader.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, shown: list[str]) -> None:
        """Wait until each line has appeared, in order."""
        deadline = time.monotonic() + 60
        while not self._has(shown):
            assert time.monotonic() < deadline, f"shown: {shown}\nprinted:\n{self._output.read_text()}"
            time.sleep(0.05)

    def printed(self) -> str:
        """All that is in the terminal."""
        return self._output.read_text()

    def _has(self, shown: list[str]) -> bool:
        printed = iter(self._reader.shown(self._output.read_text()).splitlines())
        return all(
            any(_line(line).fullmatch(one.rstrip()) for one in printed) for line in shown if line not in {"", "..."}
        )

    def stop(self) -> None:
        """Ctrl-C."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _commands(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line.rstrip())
    return found


def _line(shown: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, shown.split("…"))))


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines are those that are shown."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(matches(shown[1:], printed[start:]) for start in range(len(printed) + 1))
    return bool(printed) and bool(_line(shown[0]).fullmatch(printed[0].rstrip())) and matches(shown[1:], printed[1:])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A user in an empty folder."""
    folder = tmp_path / "calls"
    folder.mkdir()
    reader = Reader(folder, str(free_port()))
    yield reader
    for one in reversed(reader.running):
        one.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tutorial_works_word_for_word(page: Path, reader: Reader) -> None:
    """From the empty folder to the end, in the order of the page."""
    for language, background, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
        reader.follow(language, bool(background), text)
    print(f"the commands of {page.name} took {reader.seconds:.1f} s")


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        (["a … c"], ["a b c"], True),
        (["a"], ["b"], False),
        (["a", "...", "z"], ["a", "b", "c", "z"], True),
        (["a"], ["a", "b"], False),
        ([], ["a"], False),
    ],
)
def test_what_is_shown_is_compared_line_by_line(shown: list[str], printed: list[str], fits: bool) -> None:
    """The comparison itself can fail."""
    assert matches(shown, printed) == fits
