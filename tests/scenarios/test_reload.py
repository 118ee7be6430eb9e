"""`receiver serve --reload` as authors run it: files change while callbacks pour in."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving

MODULE = """
from receiver import CallRecord, Handlers
from receiver.providers.voicenter import IvrRequest, Menu
from helper import VERSION
handlers = Handlers()

@handlers.answer(IvrRequest)
def menu(step):
    return Menu(menu=f"version {VERSION}", rec="hi", size=1)

@handlers.on(CallRecord, name="note")
def note(record):
    with open("seen.txt", "a") as file:
        file.write(record.call_id + "\\n")
"""
RELOADS = 20
CALLERS = 4


def _save(folder: Path, version: int, text: str = "") -> None:
    """Save a file as an editor does: beside it first, then in its place."""
    beside = folder / "helper.new"
    beside.write_text(text or f"VERSION = {version}\n")
    os.replace(beside, folder / "helper.py")


def _eventually(holds: Callable[[], bool], said: Callable[[], object] = str) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, said()
        time.sleep(0.02)


def _count(receiver: Receiver, text: str) -> int:
    return sum(text in line for line in receiver.output)


class Caller(threading.Thread):
    """Sends records and questions over one connection that it keeps, until it is stopped."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__()
        self._url = url
        self._number = number
        self.stopping = threading.Event()
        self.sent: list[str] = []
        self.versions: list[str] = []
        self.faults: list[str] = []

    def run(self) -> None:
        """Alternate between both."""
        with httpx.Client(base_url=self._url, limits=httpx.Limits(max_connections=1), timeout=20) as client:
            while not self.stopping.is_set():
                call_id = f"{self._number}-{len(self.sent)}"
                cdr = self._post(client, {"caller": "1", "ivruniqueid": call_id})
                self.sent.append(call_id)
                if cdr.get("err") != "0":
                    self.faults.append(str(cdr))
                step = {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "-1", "IVR_UNIQUE_ID": call_id}}
                reply = self._post(client, step)
                if reply.get("STATUS") != 0:
                    self.faults.append(str(reply))
                else:
                    self.versions.append(reply["DATA"]["MENU"])

    def _post(self, client: httpx.Client, body: Any) -> dict[str, Any]:
        try:
            reply = client.post("/voicenter", json=body)
        except httpx.HTTPError as error:
            self.faults.append(repr(error))
            return {}
        return reply.json() if reply.status_code == 200 else {"status": reply.status_code}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a handler module and one that it imports."""
    (tmp_path / "mine.py").write_text(MODULE)
    _save(tmp_path, 0)
    return tmp_path


def test_no_callback_is_refused_or_lost_while_handlers_are_reloaded(folder: Path) -> None:
    """Twenty reloads under load, some broken: each request gets its valid reply, each record is delivered."""
    with serving(folder, "--handlers", "mine", "--reload") as receiver:
        callers = [Caller(receiver.url, number) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            for number in range(1, RELOADS + 1):
                is_broken = number % 4 == 0
                _save(folder, number, "VERSION = (\n" if is_broken else "")
                said = "not reloaded" if is_broken else "reloaded helper.py in"
                wanted = number // 4 if is_broken else number - number // 4
                _eventually(lambda said=said, wanted=wanted: _count(receiver, said) >= wanted, lambda: receiver.output)  # type: ignore[misc]  # mypy infers no lambda with a default
                last = number - 1 if is_broken else number
                _eventually(lambda last=last: all(one.versions[-1:] == [f"version {last}"] for one in callers))  # type: ignore[misc]  # as above
        finally:
            for caller in callers:
                caller.stopping.set()
            for caller in callers:
                caller.join(30)
        sent = sorted(call_id for caller in callers for call_id in caller.sent)
        assert [fault for caller in callers for fault in caller.faults] == []
        _eventually(lambda: len((folder / "seen.txt").read_text().split()) >= len(sent))
        assert sorted((folder / "seen.txt").read_text().split()) == sent
        assert "helper.py, line 1" in "".join(receiver.output)
        assert receiver.stop() == 0
    outcomes = {one["outcome"] for one in receiver.callbacks()}
    assert outcomes == {"accepted", "answered"}


def test_settings_are_watched_too(folder: Path) -> None:
    """The deadline changes without a restart; what needs one is named."""
    with serving(folder, "--handlers", "mine", "--reload") as receiver:
        (folder / "receiver.toml").write_text("deadline = 2.0\nmax_depth = 9\n")
        _eventually(lambda: _count(receiver, "reloaded receiver.toml in") == 1, lambda: receiver.output)
        _eventually(lambda: _count(receiver, "restart to apply: max_depth") == 1, lambda: receiver.output)


def test_without_the_option_nothing_is_watched(folder: Path) -> None:
    """A server in production loads its handlers once."""
    done = run(folder, "serve", "--help")
    assert "--reload" in done.stdout
    with serving(folder, "--handlers", "mine") as receiver:
        _save(folder, 1)
        reply = httpx.post(f"{receiver.url}/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "-1"}})
        assert reply.json()["DATA"]["MENU"] == "version 0"
