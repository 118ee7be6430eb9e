"""The audit trail, and the export of everything about one number."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.plugins import Handlers
from receiver.providers.voicenter import Cdr
from tests.support import Running, eventually, running

NUMBER = "0501234567"


@pytest.fixture(autouse=True)
def _as_an_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "service")
    monkeypatch.setenv("SUDO_USER", "alice")


def _receiver(url: str, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--database-url", url])
    assert done.exit_code == code, done.output
    return done.stdout


def _trail(url: str, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _receiver(url, "audit", "--json", *options).splitlines()]


async def _filled(url: str) -> None:
    handlers = Handlers("failing")

    @handlers.on(Cdr, caller="0509999999")
    def fail(cdr: Cdr) -> None:
        raise ValueError("the CRM says: call +972-50-123-4567 instead")

    async with running(url, handlers, attempts=1) as receiver:
        await receiver.client.post("/voicenter", json={"caller": NUMBER, "ivruniqueid": "1", "duration": 5})
        await receiver.client.post("/voicenter", json={"caller": "0508888888", "ivruniqueid": "2"})
        await receiver.client.post("/voicenter", json={"caller": "0509999999", "ivruniqueid": "3"})
        await receiver.client.get(f"/nothing/{NUMBER}")
        await eventually(lambda: "DEAD" in repr(receiver.deliveries(3)))


def test_each_look_export_replay_and_erasure_has_a_line(database_url: str) -> None:
    """With who and what; a number without most of its digits, and nothing for lists and dry runs."""
    asyncio.run(_filled(database_url))
    for command in (
        ("callbacks", "list"),
        ("callbacks", "show", "1"),
        ("callbacks", "show", "1", "--json"),
        ("call", "2"),
        ("export", "all.csv", "--kind", "CDR"),
        ("export", "one.jsonl", "--number", "+972-50-123-4567"),
        ("replay", "--call-id", "1", "--dry-run"),
        ("replay", "--call-id", "1", "--diff"),
        ("replay", "--call-id", "1", "--handlers", "handlers.demo"),
        ("forget", NUMBER, "--dry-run"),
        ("forget", NUMBER),
    ):
        _receiver(database_url, *command)
    _receiver(database_url, "callbacks", "show", "99", code=1)
    trail = _trail(database_url)
    assert [(one["action"], one["about"], one["callbacks"]) for one in trail] == [
        ("show", "callback 1", 1),
        ("show", "callback 1", 1),
        ("show", "call 2", 1),
        ("export", "records --kind CDR", 3),
        ("export", "everything about number *********567", 2),
        ("compare", "--call-id 1", 1),
        ("replay", "--call-id 1, replay 1", 1),
        ("forget", "number *******567", 1),
    ]
    assert {one["who"] for one in trail} == {"service (sudo by alice)"}
    assert [one["id"] for one in _trail(database_url, "--action", "forget", "--since", "1h")] == [8]
    assert _trail(database_url, "--until", "1h") == []
    assert "*******567" in _receiver(database_url, "audit")


def test_forgetting_a_number_reaches_the_trail(database_url: str) -> None:
    """A call id or a filter may hold it."""
    asyncio.run(_filled(database_url))
    _receiver(database_url, "callbacks", "show", "1")
    _receiver(database_url, "export", "a.csv", "--call-id", NUMBER)
    assert NUMBER in repr(_trail(database_url))
    _receiver(database_url, "forget", NUMBER)
    assert NUMBER not in repr(_trail(database_url))


def test_everything_about_a_number_is_exported(database_url: str, tmp_path: Path) -> None:
    """Callbacks, also those whose handler's error names it, and rejected requests; in every notation, no others."""
    asyncio.run(_filled(database_url))
    _receiver(database_url, "export", "all.jsonl", "--number", NUMBER, "--country-code", "972")
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    callbacks = [one["row"] for one in rows if one["what"] == "callback"]
    assert [one["id"] for one in callbacks] == [1, 3]
    assert callbacks[0]["event"]["caller"] == NUMBER
    assert "123-4567" in callbacks[1]["deliveries"][0]["failures"][0]["error"]
    refused = [one["row"]["path"] for one in rows if one["what"] == "rejected request"]
    assert refused == [f"/nothing/{NUMBER}"]
    _receiver(database_url, "export", "records.csv", "--number", NUMBER, "--what", "records", "--country-code", "972")
    assert (tmp_path / "records.csv").read_text().count("\n") == 3


@pytest.mark.parametrize(
    "options",
    [
        ("a.jsonl", "--number", NUMBER, "--kind", "CDR"),
        ("a.csv", "--number", NUMBER),
        ("a.jsonl", "--what", "everything"),
        ("a.jsonl", "--number", "12"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    """Before anything is written."""
    url = f"sqlite:///{tmp_path}/journal.db"
    Running.database(Running(None, url)).migrate()  # type: ignore[arg-type]  # not used here
    _receiver(url, "export", *options, code=2)
    assert not list(tmp_path.glob("a.*"))
