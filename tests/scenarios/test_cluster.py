"""Several processes on one PostgreSQL: receivers, workers, and failover while the database is unreachable."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.postgres import MISSING, Cluster, cluster, make_database
from tests.scenarios.serving import Receiver, run, serving

HANDLERS = """
from receiver import CallRecord, Handlers
from receiver.providers.voicenter import Hangup, IvrRequest
handlers = Handlers()

@handlers.on(CallRecord, name="note")
def note(record):
    with open("seen.txt", "a") as file:
        file.write(record.call_id + "\\n")

@handlers.answer(IvrRequest)
def hang_up(step):
    return Hangup(rec="bye")
"""
IVR = {"METHOD": "GET_IVR_ACTION", "DATA": {"MENU": "-1", "IVR_UNIQUE_ID": "asked"}}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A private PostgreSQL server, which may be killed."""
    with cluster() as server:
        if server is None:
            pytest.skip(MISSING)
        yield server


def _folder(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "mine.py").write_text(HANDLERS)
    return folder


def _seen(folder: Path) -> list[str]:
    file = folder / "seen.txt"
    return file.read_text().split() if file.exists() else []


def _eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def _cdr(receiver: Receiver, call_id: str) -> httpx.Response:
    return httpx.post(f"{receiver.url}/voicenter", json={"caller": "1", "ivruniqueid": call_id}, timeout=30)


def test_one_receives_and_another_works(tmp_path: Path, server: Cluster) -> None:
    """`serve --no-deliveries` leaves the deliveries to `work`, which PostgreSQL wakes at once."""
    url = make_database(server.url)
    receiving, worker = _folder(tmp_path, "receiving"), _folder(tmp_path, "working")
    with ExitStack() as stack:
        receiver = stack.enter_context(
            serving(receiving, "--no-deliveries", "--handlers", "mine", "--database-url", url)
        )
        assert _cdr(receiver, "before").json()["err"] == "0"
        stack.enter_context(serving(worker, options=("work", "--handlers", "mine", "--database-url", url)))
        _eventually(lambda: _seen(worker) == ["before"])
        for number in range(20):
            began = time.monotonic()
            _cdr(receiver, f"call-{number}")
            _eventually(lambda number=number: f"call-{number}" in _seen(worker))  # type: ignore[misc]  # mypy infers no lambda with a default
            assert time.monotonic() - began < 4  # polling alone would take up to five seconds
    assert _seen(receiving) == []


def test_repeats_are_detected_across_receivers(tmp_path: Path, server: Cluster) -> None:
    """The same content at two receivers is one original and one repeat, delivered once."""
    url = make_database(server.url)
    with ExitStack() as stack:
        folders = [_folder(tmp_path, "one"), _folder(tmp_path, "two")]
        both = [stack.enter_context(serving(folder, "--handlers", "mine", "--database-url", url)) for folder in folders]
        for number in range(30):
            for receiver in both:
                assert _cdr(receiver, f"call-{number}").json()["err"] == "0"
        listed = both[0].callbacks("--database-url", url)
        assert sum(one["outcome"] == "accepted" for one in listed) == 30
        assert sum(one["outcome"] == "duplicate" for one in listed) == 30
        _eventually(lambda: len(_seen(folders[0]) + _seen(folders[1])) == 30)
    assert sorted(_seen(folders[0]) + _seen(folders[1])) == sorted({f"call-{number}" for number in range(30)})


def test_callbacks_are_spooled_and_callers_answered_without_postgresql(tmp_path: Path, server: Cluster) -> None:
    """`check` counts the spool; when the database is reachable again, the callbacks are moved and delivered."""
    url = make_database(server.url)
    folder = _folder(tmp_path, "receiver")
    with serving(folder, "--handlers", "mine", "--database-url", url, RECEIVER_METRICS="true") as receiver:
        assert _cdr(receiver, "call-0").json()["err"] == "0"
        server.kill()
        try:
            for number in range(1, 4):
                reply = _cdr(receiver, f"call-{number}")
                assert (reply.status_code, reply.json()["err"]) == (200, "0")
            asked = httpx.post(f"{receiver.url}/voicenter", json=IVR, timeout=2)
            assert asked.json()["DATA"] == {"HANGUP_REC": "bye"}
            _eventually(lambda: "receiver_spooled 4.0" in httpx.get(f"{receiver.url}/metrics").text)
            printed = run(folder, "check", "--handlers", "mine", "--database-url", url).stdout
            assert "holds 4 callbacks" in " ".join(printed.split())
        finally:
            server.start()
        _eventually(lambda: "receiver_spooled 0.0" in httpx.get(f"{receiver.url}/metrics").text)
        _eventually(lambda: set(_seen(folder)) == {"call-0", "call-1", "call-2", "call-3"})
        printed = receiver.wait_for("deliveries are claimed again")
        listed = receiver.callbacks("--database-url", url)
    assert [one["call_id"] for one in listed] == ["call-0", "call-1", "call-2", "call-3", "asked"]
    assert printed.count("deliveries cannot be claimed or recorded") <= 2  # a second one while PostgreSQL starts
    assert "the spool is empty again: everything is in the journal (failures: " in printed


def test_a_receiver_starts_while_its_database_is_unreachable(tmp_path: Path, server: Cluster) -> None:
    """A machine may come up before its database does."""
    url = make_database(server.url)
    folder = _folder(tmp_path, "receiver")
    server.kill()
    try:
        receiver = Receiver(folder, "--handlers", "mine", "--database-url", url)
        assert _cdr(receiver, "early").json()["err"] == "0"
    finally:
        server.start()
    _eventually(lambda: _seen(folder) == ["early"])
    assert receiver.stop() == 0


def test_a_database_that_hangs_delays_no_reply(tmp_path: Path, server: Cluster) -> None:
    """Callbacks are spooled, callers are answered, and the receiver can be stopped."""
    url = make_database(server.url)
    folder = _folder(tmp_path, "receiver")
    receiver = Receiver(folder, "--handlers", "mine", "--database-url", url, RECEIVER_SHUTDOWN_SECONDS="1")
    assert _cdr(receiver, "before").json()["err"] == "0"
    _eventually(lambda: "before" in _seen(folder))  # else its lease would have to end first
    server.freeze()
    try:
        for call_id in ("during-1", "during-2"):
            assert _cdr(receiver, call_id).json()["err"] == "0"
        asked = httpx.post(f"{receiver.url}/voicenter", json=IVR, timeout=2)
        assert asked.json()["DATA"] == {"HANGUP_REC": "bye"}
        assert receiver.stop() == 0
    finally:
        server.thaw()
    with serving(folder, "--handlers", "mine", "--database-url", url) as again:
        _eventually(lambda: {"before", "during-1", "during-2"} <= set(_seen(folder)))
        calls = [one["call_id"] for one in again.callbacks("--database-url", url)]
    assert calls == ["before", "during-1", "during-2", "asked"]


def test_a_receiver_whose_database_is_away_is_ready_by_its_spool(tmp_path: Path, server: Cluster) -> None:
    """Callbacks are stored there; /readyz tells how many wait."""
    url = make_database(server.url)
    with serving(tmp_path, "--handlers", "", "--database-url", url) as receiver:
        assert httpx.get(f"{receiver.url}/readyz").json()["journal"] == "reachable"
        server.kill()
        try:
            reply = httpx.post(f"{receiver.url}/voicenter", json={"caller": "1", "ivruniqueid": "x"}, timeout=20)
            assert reply.json()["err"] == "0"
            _eventually(lambda: httpx.get(f"{receiver.url}/readyz", timeout=20).json()["journal"] == "unreachable")
            ready = httpx.get(f"{receiver.url}/readyz", timeout=20)
            assert (ready.status_code, ready.json()["status"], ready.json()["spooled"]) == (200, "ready", 1)
        finally:
            server.start()
