"""ViviPhone's histories with a sandbox and a receiver as a process: each row reaches the handlers once."""

import json
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.sandbox import load_settings
from receiver.sandbox.server import RunningSandbox
from storage import Database
from tests.scenarios.serving import serving

PAUSE = 0.05
"""Seconds between two looks at another process."""
HANDLERS = '''
"""A handler that notes each record."""

from pathlib import Path

from receiver import CallRecord, Handlers

handlers = Handlers()


@handlers.on(CallRecord)
def note(record: CallRecord) -> None:
    """Note it."""
    with Path("noted.txt").open("a", encoding="utf-8") as file:
        file.write(f"{record.provider} {record.direction} {record.customer} {record.outcome}\\n")
'''
EXPECTED = ["viviphone incoming 5145558954 answered", "viviphone outgoing 12125551234 answered"]


def typed(*arguments: str, code: int = 0) -> list[str]:
    """What a command prints; it runs in this process."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done.stdout.splitlines()


def noted(folder: Path) -> list[str]:
    """What the handler has noted, once it is all; it is forgotten then."""
    file, deadline = folder / "noted.txt", time.monotonic() + 30
    while not (file.exists() and len(file.read_text(encoding="utf-8").splitlines()) >= len(EXPECTED)):
        assert time.monotonic() < deadline
        time.sleep(PAUSE)
    lines = file.read_text(encoding="utf-8").splitlines()
    file.unlink()
    return sorted(lines)


def test_a_call_over_a_button_reaches_the_handlers_and_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command fetches it, the receiver delivers it, and a replay reads the stored bytes."""
    monkeypatch.chdir(tmp_path)
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
    (tmp_path / "noting.py").write_text(HANDLERS, encoding="utf-8")
    with (
        RunningSandbox(load_settings(receiver="", speed=1000)) as sandbox,
        httpx.Client(base_url=sandbox.url, timeout=60) as client,
    ):
        new = {"method": "c2c.new", "key": "any", "dest1_num": "2125551234", "pin": "5432"}
        button = ET.fromstring(client.post("/viviphone/api/", data=new).content).findtext("id")
        called = client.post("/sandbox/calls", json={"provider": "viviphone", "caller": "5145558954", "did": button})
        assert called.status_code == 201
        assert client.get("/sandbox/idle", params={"timeout": "60"}).json()["idle"]
        settings = ('handlers = ["noting"]', 'reconcile_every = "1s"', "[apis.viviphone]", 'key = "any"')
        more = (f'buttons = ["{button}"]', f'base_url = "{sandbox.url}/viviphone"')
        (tmp_path / "receiver.toml").write_text("\n".join([*settings, *more]), encoding="utf-8")

        summary = json.loads(typed("reconcile", "--since", "1d", "--provider", "viviphone", "--json", code=1)[-1])
        assert summary["summary"]["missing"] == 2
        typed("reconcile", "--since", "1d", "--fetch")
        with serving(tmp_path) as receiver:
            assert "/viviphone" not in "".join(receiver.output)
            assert noted(tmp_path) == EXPECTED
            typed("replay", "--provider", "viviphone")
            assert noted(tmp_path) == EXPECTED
        assert "PastCall" in "".join(typed("callbacks", "show", "1"))
        listed = [json.loads(line) for line in typed("callbacks", "list", "--json")]
        assert {(one["kind"], one["source"]) for one in listed} == {("HISTORY", "call log")}
        assert json.loads(typed("reconcile", "--since", "1d", "--json")[-1])["summary"]["both"] == 2
