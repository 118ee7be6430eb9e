"""Operations on the command line: replay, requeue and drop, prune, export."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from tests.scenarios.serving import Receiver, run, serving

HANDLERS = """
import pathlib
from receiver import CallRecord, Handlers
from receiver.providers.voicenter import Hangup, IvrRequest, Menu
handlers = Handlers()

@handlers.on(CallRecord, name="crm", attempts=1)
def crm(record):
    if not pathlib.Path("crm-is-up").exists():
        raise ValueError("the CRM is down")
    with open("crm.txt", "a") as file:
        file.write(record.call_id + "\\n")

@handlers.answer(IvrRequest)
def menu(step):
    if pathlib.Path("changed").exists() and step.dtmf == "1":
        return Hangup(rec="closed")
    return Menu(menu="main", rec="welcome", size=1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with handlers whose CRM is down."""
    (tmp_path / "mine.py").write_text(HANDLERS)
    (tmp_path / "receiver.toml").write_text('handlers = ["mine"]\n')
    return tmp_path


@pytest.fixture
def receiver(folder: Path) -> Iterator[Receiver]:
    """A receiver that has received two records, two questions and an unreadable body."""
    with serving(folder) as receiver:
        url = f"{receiver.url}/voicenter"
        for call in ("one", "two"):
            httpx.post(url, json={"caller": "0541", "ivruniqueid": call, "status": "ANSWER", "duration": 5})
            data = {"MENU": "main", "PREVIOUS_MENU": "-1", "DTMF": "1" if call == "one" else "2", "IVR_UNIQUE_ID": call}
            httpx.post(url, json={"METHOD": "GET_IVR_ACTION", "DATA": data})
        httpx.post(url, content=b"<broken")
        _wait_for(receiver, "dead", 2)
        yield receiver


def _wait_for(receiver: Receiver, state: str, count: int) -> None:
    for _ in range(100):
        listed = run(receiver.folder, "deliveries", "list", "--state", state, "--json").stdout
        if len(listed.splitlines()) == count:
            return
    raise AssertionError(f"there were never {count} deliveries in state {state}: {listed}")


def _crm(folder: Path) -> list[str]:
    file = folder / "crm.txt"
    return sorted(file.read_text().split()) if file.exists() else []


def test_dead_deliveries_are_listed_shown_and_requeued(receiver: Receiver, folder: Path) -> None:
    """With their error and traceback; one command requeues them."""
    table = run(folder, "deliveries", "list").stdout
    assert "the CRM is down" in table
    assert "Traceback" in run(folder, "deliveries", "show", "1").stdout
    (folder / "crm-is-up").touch()
    assert "1 deliveries are due" in run(folder, "deliveries", "retry", "1").stdout
    _wait_for(receiver, "done", 1)
    assert "1 deliveries are due" in run(folder, "deliveries", "retry", "--handler", "crm").stdout
    _wait_for(receiver, "done", 2)
    assert _crm(folder) == ["one", "two"]


def test_dead_deliveries_can_be_dropped(receiver: Receiver, folder: Path) -> None:
    """With a reason that is stored."""
    assert (
        "1 deliveries were dropped" in run(folder, "deliveries", "drop", "--call-id", "one", "--why", "a test").stdout
    )
    [line] = run(folder, "deliveries", "list", "--state", "dropped", "--json").stdout.splitlines()
    assert json.loads(line)["reason"] == "a test"
    assert run(folder, "deliveries", "show", "99", code=1).stderr


def test_a_replay_goes_to_todays_handlers(receiver: Receiver, folder: Path) -> None:
    """A dry run only counts; the running receiver runs the replay's deliveries."""
    said = run(folder, "replay", "--kind", "cdr", "--dry-run").stdout
    assert "2 callback(s) match; nothing was done" in said
    assert _crm(folder) == []
    (folder / "crm-is-up").touch()
    said = run(folder, "replay", "--kind", "cdr", "--handler", "crm", "--rate", "50", "--why", "CRM was down").stdout
    assert "2 deliveries are due" in said
    _wait_for(receiver, "done", 2)
    assert _crm(folder) == ["one", "two"]
    assert len(run(folder, "deliveries", "list", "--state", "dead", "--json").stdout.splitlines()) == 2
    assert "replay 1 by" in (shown := run(folder, "deliveries", "show", "3").stdout)
    assert "CRM was down" in shown
    assert "no handler is named" in run(folder, "replay", "--all", "--handler", "unknown", code=2).stderr


def test_a_replay_to_a_url_posts_the_stored_bytes(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The other receiver gets the same bytes and content types, and its replies are compared."""
    other_folder = tmp_path_factory.mktemp("staging")
    (other_folder / "mine.py").write_text(HANDLERS)
    with serving(other_folder, "--handlers", "mine") as staging:
        said = run(receiver.folder, "replay", "--all", "--to", staging.url).stdout
        assert "5 answered as before, 0 answered differently, 0 failed" in said
        (other_folder / "changed").touch()
        said = run(receiver.folder, "replay", "--all", "--to", staging.url, code=1).stdout
        assert "4 answered as before, 1 answered differently" in said
        ours, theirs = receiver.callbacks("--outcome", "unparsed"), staging.callbacks("--outcome", "unparsed")
        assert [one["reason"] for one in theirs[:1]] == [one["reason"] for one in ours]
    assert "5 failed" in run(receiver.folder, "replay", "--all", "--to", staging.url, code=1).stdout


def test_a_replay_to_itself_ends(receiver: Receiver, folder: Path) -> None:
    """Callbacks that are received during the replay are not part of it."""
    said = run(folder, "replay", "--all", "--to", receiver.url).stdout
    assert "5 answered as before" in said
    assert len(receiver.callbacks()) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--all"),
        (("--all", "--to", "127.0.0.1:9"), "https://staging"),
        (("--diff", "--handler", "crm"), "--handler goes with deliveries"),
    ],
)
def test_a_replay_with_wrong_options_is_rejected(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    """Without a filter, or with an option that would have no effect."""
    said = run(folder, "replay", *arguments, code=2).stderr
    assert message in " ".join(said.replace("│", " ").split())


def test_stored_questions_are_a_regression_test(receiver: Receiver, folder: Path) -> None:
    """Exit code 0 if today's handlers answer as before; else exit code 1 and a readable diff."""
    assert "2 answered as before, 0 differently" in run(folder, "replay", "--diff").stdout
    (folder / "changed").touch()
    done = run(folder, "replay", "--diff", code=1)
    assert "1 answered as before, 1 differently" in done.stdout
    assert '+  "ACTION": "HANGUP",' in done.stdout
    assert len(receiver.callbacks()) == 5


def test_call_shows_the_history_of_a_call(receiver: Receiver, folder: Path) -> None:
    """Every callback of the call, the keys pressed, the replies and the deliveries."""
    history = run(folder, "call", "one").stdout
    for needed in ("2 callbacks", "CDR", "GET_IVR_ACTION", "DTMF 1", "ACTION MENU", "crm: dead", "the CRM is down"):
        assert needed in history
    lines = run(folder, "call", "one", "--json").stdout.splitlines()
    assert {json.loads(line)["kind"] for line in lines} == {"CDR", "GET_IVR_ACTION"}
    assert "no callback has the call id" in run(folder, "call", "unknown", code=1).stderr
    run(folder, "replay", "--call-id", "one", "--handler", "crm")
    assert "crm of replay 1: " in run(folder, "call", "one").stdout


def test_old_callbacks_are_pruned_and_undelivered_ones_kept(receiver: Receiver, folder: Path) -> None:
    """The two records whose deliveries are dead are kept."""
    assert "3 callback(s) would be deleted" in run(folder, "prune", "--older-than", "0s", "--dry-run").stdout
    assert "3 callback(s) blanked" in run(folder, "prune", "--older-than", "0s", "--bodies-only").stdout
    assert "3 callback(s) deleted" in run(folder, "prune", "--older-than", "0s").stdout
    assert [one["kind"] for one in receiver.callbacks()] == ["CDR", "CDR"]
    assert "0 callback(s) would be deleted" in run(folder, "prune", "--older-than", "90d", "--dry-run").stdout


def test_records_and_callbacks_are_exported(receiver: Receiver, folder: Path) -> None:
    """As JSON lines, CSV and Parquet; an existing file is never overwritten."""
    assert "2 records written" in run(folder, "export", "calls.jsonl").stdout
    records = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    assert [(one["call_id"], one["from_international"], one["talk_seconds"]) for one in records] == [
        ("one", "972541", 5),
        ("two", "972541", 5),
    ]
    assert "5 callbacks written" in run(folder, "export", "all.csv", "--what", "callbacks").stdout
    with (folder / "all.csv").open(newline="", encoding="utf-8") as file:
        assert [row["outcome"] for row in csv.DictReader(file)].count("unparsed") == 1
    run(folder, "export", "calls.parquet", "--kind", "CDR")
    assert pq.read_table(folder / "calls.parquet").column("call_id").to_pylist() == ["one", "two"]
    assert "exists already" in run(folder, "export", "calls.jsonl", code=2).stderr
    assert ".jsonl, .csv or .parquet" in run(folder, "export", "calls.xls", code=2).stderr.replace("\n", " ")
