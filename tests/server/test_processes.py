"""`receiver serve --processes N`: one port, one journal, and what each process does alone."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.cli.serve_processes import _command
from receiver.errors import SettingsError
from receiver.server.sockets import from_descriptor, listen, port_of
from tests.scenarios.serving import Receiver, run, serving, wait_until

LISTENER = """
import os
from receiver import CallRecord, Handlers
handlers = Handlers()

@handlers.on(CallRecord)
def note(record):
    with open("seen.txt", "a") as file:
        file.write(f"{record.call_id} {os.getpid()}\\n")
"""

SLOW = """
import os, time
from receiver import CallRecord, Handlers
handlers = Handlers()

@handlers.on(CallRecord)
def wait(record):
    open("begun", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
"""


def _children(receiver: Receiver) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(receiver.process.pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _post(url: str, call: str) -> bool:
    reply = httpx.post(f"{url}/voicenter", json={"caller": "1", "ivruniqueid": call, "duration": 1})
    return bool(reply.json()["err"] == "0")


def test_processes_share_a_port_a_journal_and_their_metrics(tmp_path: Path) -> None:
    """Each record is stored and delivered once, whichever process it reached; /metrics has the sum."""
    (tmp_path / "listener.py").write_text(LISTENER)
    with serving(tmp_path, "--processes", "2", "--handlers", "listener", RECEIVER_METRICS="true") as receiver:
        wait_until(lambda: len(_children(receiver)) == 2)
        assert all(_post(receiver.url, f"call-{number}") for number in range(40))
        wait_until(lambda: (tmp_path / "seen.txt").exists() and len((tmp_path / "seen.txt").read_text().split()) == 80)
        seen = [line.split() for line in (tmp_path / "seen.txt").read_text().splitlines()]
        assert Counter(call for call, _ in seen) == Counter(f"call-{number}" for number in range(40))
        assert len({process for _, process in seen}) == 2
        figures = {httpx.get(f"{receiver.url}/metrics").text for _ in range(8)}
        counted = 'receiver_callbacks_total{kind="CDR",outcome="accepted",provider="voicenter"} 40.0'
        assert all(counted in text for text in figures), figures
        assert all("receiver_requests_waiting " in text for text in figures)


def test_a_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    """The others go on receiving meanwhile, and its socket stays open."""
    with serving(tmp_path, "--processes", "2", "--handlers", "") as receiver:
        wait_until(lambda: len(_children(receiver)) == 2)
        killed = _children(receiver)[0]
        os.kill(killed, signal.SIGKILL)
        assert "ended with exit code -9; another starts in 0.5 s" in receiver.wait_for("another starts")
        wait_until(lambda: len(_children(receiver)) == 2)
        assert killed not in _children(receiver)
        assert all(_post(receiver.url, f"call-{number}") for number in range(20))


def test_processes_that_stop_leave_no_open_port(tmp_path: Path) -> None:
    """A connection is refused while the last deliveries run: accepted, it would be reset with its request."""
    (tmp_path / "slow.py").write_text(SLOW)
    with serving(tmp_path, "--processes", "2", "--handlers", "slow") as receiver:
        assert _post(receiver.url, "call-1")
        wait_until((tmp_path / "begun").exists)
        receiver.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _is_refused(int(receiver.url.rsplit(":", 1)[1])))
        assert receiver.process.poll() is None
        (tmp_path / "go").touch()
        assert receiver.stop() == 0


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_descriptor_that_is_not_open_ends_the_start(processes: str, tmp_path: Path) -> None:
    """With exit code 2 and what the parent must do, also before the first of several processes starts."""
    url = f"sqlite:///{tmp_path}/journal.db"
    command = ["serve", "--fd", "999", "--processes", processes, "--handlers", "", "--database-url", url]
    shown = CliRunner().invoke(app, command)
    assert (shown.exit_code, "must pass a listening socket" in " ".join(shown.stderr.split())) == (2, True)


def test_settings_that_are_wrong_end_all_at_once(tmp_path: Path) -> None:
    """Said once, by the first process, with its exit code."""
    shown = run(tmp_path, "serve", "--processes", "3", "--port", "0", "--handlers", "no_such_module", code=2)
    assert shown.stderr.count("no_such_module") == 1


def test_processes_end_with_their_supervisor(tmp_path: Path) -> None:
    """Also if it is killed: a journal must not be written by processes that nobody can stop."""
    receiver = Receiver(tmp_path, "--processes", "2", "--handlers", "")
    wait_until(lambda: len(_children(receiver)) == 2)
    children = _children(receiver)
    os.kill(receiver.process.pid, signal.SIGKILL)
    wait_until(lambda: not any(_is_running(child) for child in children))
    receiver.kill()


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_port_in_use_is_an_error_also_for_several_processes(tmp_path: Path) -> None:
    """Sharing a port is for the processes of one receiver, unless `reuse_port` is set."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shown = run(tmp_path, "serve", "--processes", "2", "--port", str(port_of(taken)), code=2)
    assert "Does another program use it? Choose another port with --port" in " ".join(shown.stderr.split())


def test_an_address_that_does_not_exist_is_an_error() -> None:
    """It says what to change."""
    with pytest.raises(SettingsError, match="Change --host or --port"):
        listen("no-such-host.invalid", 0)


def test_two_receivers_share_a_port_with_reuse_port(tmp_path: Path) -> None:
    """So a new one can start before the old one stops."""
    with serving(tmp_path, "--handlers", "", RECEIVER_REUSE_PORT="true") as first:
        port = first.url.rsplit(":", 1)[1]
        options = ("serve", "--port", port, "--handlers", "")
        with serving(tmp_path, options=options, RECEIVER_REUSE_PORT="true") as second:
            assert second.url == first.url
            assert first.stop() == 0
            assert _post(second.url, "call-1")


def test_reload_is_for_one_process() -> None:
    """Several are replaced by SIGHUP instead."""
    shown = CliRunner().invoke(app, ["serve", "--processes", "2", "--reload"])
    assert (shown.exit_code, "--reload is for one process" in shown.stderr) == (2, True)


def test_a_process_is_started_by_the_link_that_called_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So SIGHUP starts the release that the link points to by then; `python -m receiver` starts that Python."""
    (tmp_path / "release-1").write_text("#!/bin/sh\n")
    (tmp_path / "release-1").chmod(0o755)
    link = tmp_path / "receiver"
    link.symlink_to("release-1")
    monkeypatch.setattr(sys, "argv", [str(link), "serve"])
    assert _command(3, True, deliveries=True)[:2] == [str(link), "serve"]
    monkeypatch.setattr(sys, "argv", ["/usr/lib/receiver/__main__.py", "serve"])
    assert _command(3, True, deliveries=True)[:4] == [sys.executable, "-m", "receiver", "serve"]


def test_a_descriptor_must_be_a_listening_socket(tmp_path: Path) -> None:
    """Anything else is an error that says what it is."""
    with (tmp_path / "file").open("w") as file, pytest.raises(SettingsError, match="is not a socket"):
        from_descriptor(file.fileno())
    with socket.socket() as idle, pytest.raises(SettingsError, match="is not a listening socket"):
        from_descriptor(idle.fileno())
    with pytest.raises(SettingsError, match="--fd 999 cannot be used"):
        from_descriptor(999)


def test_sockets_of_systemd_are_taken_over(tmp_path: Path) -> None:
    """By LISTEN_FDS and LISTEN_PID, and NOTIFY_SOCKET hears when it is ready and when it stops."""
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(str(tmp_path / "notify"))
    notices.settimeout(20)
    with socket.create_server(("127.0.0.1", 0)) as held:
        script = (
            "import os, sys\n"
            f"os.dup2({held.fileno()}, 3)\n"
            "os.environ['LISTEN_PID'] = str(os.getpid())\n"
            "os.execv(sys.executable, [sys.executable, '-m', 'receiver', 'serve', '--handlers', ''])\n"
        )
        (tmp_path / "activate.py").write_text(script)
        command = [sys.executable, "activate.py"]
        receiver = Receiver(
            tmp_path,
            command=command,
            options=(),
            descriptors=[str(held.fileno())],
            LISTEN_FDS="1",
            NOTIFY_SOCKET=str(tmp_path / "notify"),
        )
        assert notices.recv(100) == b"READY=1"
        assert _post(f"http://127.0.0.1:{port_of(held)}", "call-1")
        receiver.stop()
        assert notices.recv(100) == b"STOPPING=1"
    notices.close()
