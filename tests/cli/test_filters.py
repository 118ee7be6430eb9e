"""Filters that were given as options."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.providers.base.discovery import discover
from storage import Database

PROVIDERS = ", ".join(discover())
SENDERS = ", ".join(name for name, provider in discover().items() if provider.endpoints)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty journal, as working folder, and no settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        monkeypatch.delenv(name)
    with Database(f"sqlite:///{tmp_path}/receiver.db") as database:
        database.migrate()
    return tmp_path


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("callbacks list --provider voicentre", f"there is no provider 'voicentre'; there are {PROVIDERS}"),
        ("callbacks list --kind CDRS", "there is no kind 'CDRS'; there are CDR, GET_IVR_ACTION, HANGUP_CALL"),
        ("callbacks list --provider spokn --kind CDR", "spokn has no kind 'CDR'; there is STATUS"),
        ("callbacks list --outcome done", "there is no outcome 'done'; there are accepted, duplicate"),
        ("callbacks list --since 1h --until 2h", "--since: it must be earlier than --until"),
        (
            "deliveries list --handler nobody",
            "no delivery and no handler is named 'nobody'; there is handlers.demo.print_call",
        ),
        ("deliveries list --state finished", "'finished' is not one of 'due', 'running', 'done'"),
        ("deliveries retry --state done", "--state: done deliveries stay as they are; choose dead, dropped or due"),
        ("deliveries drop --kind CDRS", "there is no kind 'CDRS'"),
        ("replay --kind CDRS", "there is no kind 'CDRS'"),
        ("replay --all --handler nobody", "nobody is not loaded; handlers that listen: handlers.demo.print_call"),
        ("export all.csv --provider voicentre", "there is no provider 'voicentre'"),
        ("send cdr --format yaml", "there is no format 'yaml'; there are xmlrpc, json"),
        ("send cdr --provider voicentre", f"there is no provider 'voicentre'; there are {SENDERS}"),
        ("send crd", "there is no sample crd; did you mean cdr?"),
        ("send leg1 --format xmlrpc", "the sample leg1 does not come as xmlrpc; it comes as json, form"),
    ],
)
def test_a_filter_that_can_never_match_is_refused(journal: Path, command: str, says: str) -> None:
    """With exit code 2 and the values that can."""
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 2, done.output
    assert says in " ".join(done.output.replace("│", " ").split())
    assert not (journal / "all.csv").exists()
