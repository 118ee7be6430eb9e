"""The receiver and the sandbox as two processes: what a user starts in two terminals."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, serving

HOST = "127.0.0.1"


@contextmanager
def both(folder: Path, *options: str) -> Iterator[tuple[Receiver, Receiver, httpx.Client]]:
    """A receiver, a sandbox that calls it, and a client of the sandbox."""
    with (
        serving(folder) as receiver,
        serving(folder, options=("sandbox", "--port", "0", "--receiver", receiver.url, *options)) as sandbox,
        httpx.Client(base_url=sandbox.url, timeout=90) as client,
    ):
        yield receiver, sandbox, client


def click(client: httpx.Client, target: str, **options: str) -> str:
    """The id of a call that was placed by click-to-call."""
    query = {"phone": "0501111111", "target": target, "code": "sandbox", "action": "call", "format": "JSON", **options}
    reply = client.get("/voicenter/ForwardDialer/click2call.aspx", params=query).json()
    assert reply["ERRORCODE"] == 0
    call_id: str = reply["CALLID"]
    return call_id


def settle(client: httpx.Client) -> dict[str, Any]:
    """Wait until all calls are over; the sandbox's state."""
    state: dict[str, Any] = client.get("/sandbox/idle", params={"timeout": "80"}).json()
    assert state["idle"]
    return state


def shown(folder: Path, callback: dict[str, Any]) -> dict[str, Any]:
    """A callback with its event."""
    details = json.loads(run(folder, "callbacks", "show", str(callback["id"]), "--json").stdout)
    event: dict[str, Any] = details["event"]
    return event


def test_calls_of_both_providers_arrive_in_the_journal(tmp_path: Path) -> None:
    """Both legs of a click-to-call with custom data, the steps of an IVR call, and Spokn's two posts."""
    with both(tmp_path, "--speed", "200") as (receiver, _, client):
        plain = click(client, "0540000000", var_customer="2342")
        through_ivr = click(client, "0730000000")
        incoming = client.post("/sandbox/calls", json={"did": "0730000000", "keys": "1"}).json()[0]["call_id"]
        numbers = {"aparty": "+18474255380", "bparty": "+18474255381", "token": "order-17"}
        assert client.post("/spokn/c2c/1.0/call", data=numbers, auth=("1234567", "x")).status_code == 200
        state = settle(client)
        assert set(state["callbacks"]) == {"sent"}
        found = receiver.callbacks()

        legs = [one for one in found if one["call_id"] == plain]
        assert [one["kind"] for one in legs] == ["CDR", "CDR"]
        events = [shown(tmp_path, one) for one in legs]
        assert [event["type"] for event in events] == ["Click2Call leg1", "Click2Call leg2"]
        assert [event["custom_data"] for event in events] == [{"var_customer": "2342"}] * 2

        steps = [one["kind"] for one in found if one["call_id"] == through_ivr]
        assert steps[0] == "GET_IVR_ACTION"
        assert steps[-3:] == ["HANGUP_CALL", "CDR", "CDR"]

        asked = [one for one in found if one["call_id"] == incoming]
        assert [one["kind"] for one in asked] == ["GET_IVR_ACTION", "GET_IVR_ACTION", "HANGUP_CALL", "CDR"]
        assert {one["outcome"] for one in asked[:2]} == {"answered"}  # by the demo's menu
        assert shown(tmp_path, asked[1])["dtmf"] == "1"

        posts = [shown(tmp_path, one) for one in found if one["call_id"] == "order-17"]
        assert [(post["leg"], post["duration_seconds"]) for post in posts] == [(1, 60), (2, 60)]
        assert all(one["faults"] == [] for one in client.get("/sandbox/calls").json())


def test_what_is_lost_is_missing_in_the_journal_and_in_the_call_log_it_is_not(tmp_path: Path) -> None:
    """Repeats are stored as duplicates; reordered and late ones arrive."""
    faults = {"--drop": "0.2", "--repeat": "0.05", "--late": "0.1", "--reorder": "0.1"}
    options = ["--speed", "500", "--seed", "1", *(word for fault in faults.items() for word in fault)]
    with both(tmp_path, *options) as (receiver, _, client):
        ids = {click(client, f"05400{number:05}") for number in range(60)}
        state = settle(client)
        sent = Counter(state["callbacks"])
        found = Counter(one["outcome"] for one in receiver.callbacks())
        assert sum(sent.values()) == 120
        assert all(sent[result] for result in ("sent", "dropped", "repeated", "late", "reordered"))
        assert found == {"accepted": 120 - sent["dropped"], "duplicate": sent["repeated"]}
        rows = client.get("/voicenter/hub/cdr/?code=x&fields=CallID").json()["CDR_LIST"]
        assert Counter(row["CallID"] for row in rows) == dict.fromkeys(ids, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_stops_with_exit_code_0(number: signal.Signals, tmp_path: Path) -> None:
    """Also while calls go on, and without a receiver."""
    with serving(tmp_path, options=("sandbox", "--port", "0", "--receiver", "")) as sandbox:
        assert "Callbacks go to nowhere: they are kept\n" in sandbox.output
        with httpx.Client(base_url=sandbox.url) as client:
            click(client, "0540000000")
        sandbox.process.send_signal(number)
        sandbox._wait()
        assert sandbox.process.returncode == 0


def test_a_mistake_in_an_option_ends_the_command_with_code_2(tmp_path: Path) -> None:
    """And says what to write."""
    assert "--settings names another file" in run(tmp_path, "sandbox", "--settings", "none.toml", code=2).stderr
    assert "speed: write a number above 0" in run(tmp_path, "sandbox", "--speed", "0", code=2).stderr
    assert "drop" in run(tmp_path, "sandbox", "--drop", "2", code=2).stderr
    with serving(tmp_path, options=("sandbox", "--port", "0")) as sandbox:
        port = sandbox.url.rpartition(":")[2]
        assert "Choose another port with --port" in run(tmp_path, "sandbox", "--port", port, code=2).stderr
