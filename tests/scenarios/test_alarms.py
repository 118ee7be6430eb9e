"""Alarms as an operator meets them: a receiver that says what is wrong, and the commands on the page of alarms."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from receiver.cli import app
from tests.handlers.servers import WebServer, web_server
from tests.scenarios.serving import Receiver, free_port, serving
from tests.test_docs import ROOT, blocks

FAILING = '''
"""A handler that fails."""

from receiver import CallRecord, Handlers

handlers = Handlers()


@handlers.on(CallRecord)
def crm(record: CallRecord) -> None:
    raise RuntimeError("the CRM is away")
'''
SETTINGS = """
handlers = ["failing"]
attempts = 1
public_url = "http://127.0.0.1:{port}"

[alarms]
every = "1s"
ends_after = "1s"
urls = ["{recipient}"]
heartbeat_url = "{switch}/ping/TOKEN"
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[WebServer, WebServer]]:
    """A recipient of messages, and a dead man's switch."""
    with web_server() as recipient, web_server() as switch:
        yield recipient, switch


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory, servers: tuple[WebServer, WebServer]) -> Iterator[Receiver]:
    """A receiver whose handler fails, and that evaluates its alarms each second."""
    folder, port = tmp_path_factory.mktemp("alarms"), free_port()
    recipient, switch = servers
    settings = SETTINGS.format(port=port, recipient=recipient.url.replace("http", "json"), switch=switch.url)
    (folder / "receiver.toml").write_text(settings)
    (folder / "failing.py").write_text(FAILING)
    with serving(folder, "--port", str(port)) as started:
        yield started


def wait_for(server: WebServer, title: str) -> None:
    """Until a message of that title arrived, at most twenty seconds later."""
    deadline = time.monotonic() + 20
    while title not in (titles := [json.loads(one.body)["title"] for one in server.received]):
        assert time.monotonic() < deadline, titles
        time.sleep(0.05)


def test_a_dead_delivery_is_said_and_so_is_its_end(receiver: Receiver, servers: tuple[WebServer, WebServer]) -> None:
    """In a message, and in the log, which has no secret; the dead man's switch is called meanwhile."""
    recipient, switch = servers
    httpx.post(f"{receiver.url}/voicenter", json={"ivruniqueid": "1"}).raise_for_status()
    wait_for(recipient, "dead_deliveries begins")
    in_folder("deliveries", "drop", "--state", "dead", folder=receiver.folder)
    wait_for(recipient, "dead_deliveries has ended")
    assert {(one.method, one.path) for one in switch.received} == {("GET", "/ping/TOKEN")}
    printed = receiver.wait_for("alarm dead_deliveries has ended: deliveries died")
    assert "alarm dead_deliveries begins" in printed
    assert "TOKEN" not in printed


def in_folder(*arguments: str, folder: Path) -> str:
    """What a command prints in that folder; it must succeed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, (arguments, done.output)
    return done.output


def test_the_commands_on_the_page_work(receiver: Receiver) -> None:
    """Each as it is written, with the address of this receiver in place of the example."""
    httpx.post(f"{receiver.url}/voicenter", json={"ivruniqueid": "2"}).raise_for_status()
    deadline = time.monotonic() + 20
    while not in_folder("deliveries", "list", "--state", "dead", "--json", folder=receiver.folder).startswith("{"):
        assert time.monotonic() < deadline
    lines = [line for block in blocks(ROOT / "docs/alarms.md", "sh") for line in block.splitlines()]
    assert len(lines) > 12
    for line in lines:
        name, *arguments = shlex.split(line.replace("https://calls.example.com", receiver.url))
        assert name == "receiver"
        in_folder(*arguments, folder=receiver.folder)
