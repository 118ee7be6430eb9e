"""Liveness and readiness, as load balancers ask for them."""

import signal
from pathlib import Path

import httpx

from tests.scenarios.serving import serving, wait_until


def test_a_receiver_on_sqlite_is_ready(tmp_path: Path) -> None:
    """With the reason as JSON for addresses of `status_from`, and one word for others."""
    with serving(tmp_path, "--handlers", "") as receiver:
        assert httpx.get(f"{receiver.url}/healthz").text == "ok\n"
        ready = httpx.get(f"{receiver.url}/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ready", "journal": "reachable", "spooled": None})
    with serving(tmp_path, "--handlers", "", RECEIVER_STATUS_FROM="203.0.113.0/24") as receiver:
        ready = httpx.get(f"{receiver.url}/readyz/")
        assert (ready.status_code, ready.text) == (200, "ready\n")


def test_a_receiver_that_drains_is_not_ready_but_answers(tmp_path: Path) -> None:
    """For `drain_seconds`, so that a load balancer looks away before the port is closed; a second signal ends it."""
    with serving(tmp_path, "--handlers", "", RECEIVER_DRAIN_SECONDS="60") as receiver:
        receiver.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{receiver.url}/readyz").status_code == 503)
        assert httpx.get(f"{receiver.url}/readyz").json()["status"] == "draining"
        reply = httpx.post(f"{receiver.url}/voicenter", json={"caller": "1", "ivruniqueid": "x"})
        assert reply.json()["err"] == "0"
        assert receiver.stop() == 0
