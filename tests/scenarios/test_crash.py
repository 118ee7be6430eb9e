"""Power cuts: an acknowledged callback is in the journal afterwards, and reaches its handler."""

from pathlib import Path

import httpx

from tests.scenarios.serving import Receiver, serving

SLOW = """
import pathlib, time
from receiver import CallRecord, Handlers
handlers = Handlers()

@handlers.on(CallRecord)
def note(record):
    if not pathlib.Path("go").exists():
        time.sleep(60)
    with open("seen.txt", "a") as file:
        file.write(record.call_id + "\\n")
"""


def test_what_was_acknowledged_survives_a_power_cut(tmp_path: Path) -> None:
    """It is killed between acknowledgement and handler; after the restart every record reaches the handler."""
    (tmp_path / "slow.py").write_text(SLOW)
    quick = {"RECEIVER_LEASE_SECONDS": "0.5"}
    receiver = Receiver(tmp_path, "--handlers", "slow", **quick)
    with httpx.Client() as client:
        for number in range(20):
            reply = client.post(f"{receiver.url}/voicenter", json={"caller": "1", "ivruniqueid": f"call-{number}"})
            assert reply.json()["err"] == "0"
    receiver.kill()
    (tmp_path / "go").touch()
    wanted = {f"call-{number}" for number in range(20)}
    with serving(tmp_path, "--handlers", "slow", **quick) as receiver:
        assert {one["call_id"] for one in receiver.callbacks()} == wanted
        for _ in range(200):
            seen = tmp_path / "seen.txt"
            if seen.exists() and set(seen.read_text().split()) == wanted:
                break
            httpx.get(f"{receiver.url}/health")
            __import__("time").sleep(0.1)
        assert set((tmp_path / "seen.txt").read_text().split()) == wanted


def test_a_stop_signal_ends_it_soon_and_cleanly(tmp_path: Path) -> None:
    """Also if a handler's thread hangs."""
    (tmp_path / "slow.py").write_text(SLOW)
    receiver = Receiver(tmp_path, "--handlers", "slow", RECEIVER_SHUTDOWN_SECONDS="1")
    httpx.post(f"{receiver.url}/voicenter", json={"caller": "1", "ivruniqueid": "x"})
    assert receiver.stop() == 0
