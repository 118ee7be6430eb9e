"""A receiver as users run it: `receiver serve` in a separate process, listening on a real socket."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pexpect

COMMAND = [sys.executable, "-m", "receiver"]
_COLOURS = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
_LISTENS = re.compile(r"listens on (http://\S+)")


class Receiver:
    """A running `receiver serve` in a folder."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        command: Sequence[str] = COMMAND,
        options: Sequence[str] | None = None,
        descriptors: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self.folder = folder
        if options is None:
            options = ("serve", "--port", "0", *arguments)
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=folder,
            env={**_plain_environment(), "PYTHONUNBUFFERED": "1", **environment},
            start_new_session=True,
            pass_fds=[int(descriptor) for descriptor in descriptors],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output: list[str] = []
        self._listening = threading.Event()
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(120) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError("the receiver did not start:\n" + "".join(self.output))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if found := _LISTENS.search(line):
                self.url = found[1]
            if "Stop with Ctrl-C" in line:
                self._listening.set()
        self._listening.set()

    def wait_for(self, text: str) -> str:
        """Everything printed so far, once `text` is in it, at most ten seconds later."""
        deadline = time.monotonic() + 10
        while text not in (printed := "".join(self.output)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert text in printed, printed
        return printed

    def kill(self) -> None:
        """Kill the process, as a power cut would."""
        with suppress(ProcessLookupError):  # a handler may have ended the process
            os.killpg(self.process.pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> int:
        """Stop the process with SIGTERM, as a service manager does; its exit code."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self._wait()
        return self.process.returncode

    def _wait(self) -> None:
        self.process.wait(30)
        self._reader.join(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def callbacks(self, *options: str) -> list[dict[str, Any]]:
        """The callbacks that `receiver callbacks list --json` prints in the same folder."""
        listed = run(self.folder, "callbacks", "list", "--json", "--limit", "1000", *options)
        return [json.loads(line) for line in listed.stdout.splitlines()]


@contextmanager
def serving(
    folder: Path, *arguments: str, options: Sequence[str] | None = None, **environment: str
) -> Iterator[Receiver]:
    """A receiver that is stopped at the end, if it still runs."""
    receiver = Receiver(folder, *arguments, options=options, **environment)
    try:
        yield receiver
    finally:
        if receiver.process.poll() is None:
            receiver.stop()
        else:
            receiver._wait()


def run(folder: Path, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """A `receiver` command as typed in `folder`; its exit code must be `code`."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**_plain_environment(), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def run_in_terminal(folder: Path, *arguments: str, columns: int = 80, code: int = 0) -> list[str]:
    """The lines that a command shows on a terminal of that many columns, without colours and blanks at their ends."""
    shown = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *arguments],
        cwd=str(folder),
        env={**_plain_environment(), "TERM": "xterm"},
        dimensions=(24, columns),
        encoding="utf-8",
        timeout=60,
    )
    text = shown.read()
    shown.close()
    assert shown.exitstatus == code, text
    return [line.rstrip("\r") for line in _COLOURS.sub("", text).split("\n")]


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RECEIVER_")}
