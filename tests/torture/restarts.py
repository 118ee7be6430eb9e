"""Restarts under load: no connection is refused, none is reset whose request was sent, and nothing is lost."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.scenarios.serving import Receiver, wait_until
from tests.torture.callers import Seen, calling
from tests.torture.scenarios import Result, stored_events


@contextmanager
def _held_socket() -> Iterator[socket.socket]:
    """A listening socket that outlives the receivers, as systemd holds it."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as held:
        held.set_inheritable(True)
        yield held


def restarted_on_a_held_socket(folder: Path, url: str, restarts: int) -> Result:
    """A second receiver starts on the socket beside the first, which then stops; over and over."""
    began = time.monotonic()
    with _held_socket() as held:
        options = ("serve", "--fd", str(held.fileno()), "--handlers", "", "--database-url", url)
        receiver = Receiver(folder, options=options, descriptors=[str(held.fileno())])
        with calling(f"http://127.0.0.1:{held.getsockname()[1]}") as seen:
            for _ in range(restarts):
                following = Receiver(folder, options=options, descriptors=[str(held.fileno())])
                receiver.stop()
                receiver = following
        receiver.stop()
    return _result(f"{restarts} restarts on one socket, {_kind(url)}", url, seen, restarts, began)


def replaced_by_sighup(folder: Path, url: str, restarts: int) -> Result:
    """The supervisor of two processes replaces both, over and over."""
    began = time.monotonic()
    options = ("serve", "--port", "0", "--processes", "2", "--handlers", "", "--database-url", url)
    receiver = Receiver(folder, options=options)
    with calling(receiver.url) as seen:
        for number in range(1, restarts + 1):
            receiver.process.send_signal(signal.SIGHUP)
            wait_until(partial(_has_replaced, receiver, number), 60)
    code = receiver.stop()
    result = _result(f"{restarts} times SIGHUP to 2 processes, {_kind(url)}", url, seen, restarts, began)
    if code:
        result.wrong.append(f"exit code {code}")
    return result


def _kind(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


def _has_replaced(receiver: Receiver, times: int) -> bool:
    return "".join(receiver.output).count("all processes are replaced") == times


def _result(name: str, url: str, seen: Seen, restarts: int, began: float) -> Result:
    result = Result(name, 0, crashes=restarts, seconds=time.monotonic() - began)
    stored, result.repeats = stored_events(url)
    result.acknowledged, result.stored = len(seen.acknowledged), len(stored)
    if missing := seen.acknowledged - stored:
        result.wrong.append(f"{len(missing)} acknowledged callbacks are not in the journal: {sorted(missing)[:3]}")
    if seen.failures:
        result.wrong.append(f"callers saw {dict(seen.failures)} on {seen.connections} connections")
    if len(seen.acknowledged) < 10 * restarts:
        result.wrong.append(f"only {len(seen.acknowledged)} callbacks were acknowledged")
    return result
