"""Operations on the command line: replay, requeue and drop, prune, export."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from storage import Database
from storage.tables import replays
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
    assert "1 delivery is due" in run(folder, "deliveries", "retry", "1").stdout
    _wait_for(receiver, "done", 1)
    assert "1 delivery is due" in run(folder, "deliveries", "retry", "--handler", "crm").stdout
    _wait_for(receiver, "done", 2)
    assert _crm(folder) == ["one", "two"]


def test_the_dead_can_be_dropped(receiver: Receiver, folder: Path) -> None:
    """With a reason that stays."""
    said = run(folder, "deliveries", "drop", "--call-id", "one", "--why", "a test").stdout
    assert "1 delivery was dropped" in said
    [line] = run(folder, "deliveries", "list", "--state", "dropped", "--json").stdout.splitlines()
    assert json.loads(line)["reason"] == "a test"
    assert run(folder, "deliveries", "show", "99", code=1).stderr


def test_a_replay_goes_to_todays_handlers(receiver: Receiver, folder: Path) -> None:
    """A dry run only counts; the running receiver runs the replay's deliveries."""
    said = run(folder, "replay", "--kind", "cdr", "--dry-run").stdout
    assert "2 callbacks match; nothing was replayed" in said
    assert _crm(folder) == []
    (folder / "crm-is-up").touch()
    said = run(folder, "replay", "--kind", "cdr", "--handler", "crm", "--rate", "50", "--why", "CRM was down").stdout
    assert "2 deliveries are due" in said
    _wait_for(receiver, "done", 2)
    assert _crm(folder) == ["one", "two"]
    assert len(run(folder, "deliveries", "list", "--state", "dead", "--json").stdout.splitlines()) == 2
    assert "replay 1 by" in (shown := run(folder, "deliveries", "show", "3").stdout)
    assert "CRM was down" in shown
    assert (
        "nobody is not loaded; handlers that listen: crm"
        in run(folder, "replay", "--all", "--handler", "nobody", code=2).stderr
    )


def test_a_replay_of_nothing_is_an_error_and_is_not_stored(receiver: Receiver, folder: Path) -> None:
    """A call that does not exist, a question, a handler that answers: exit code 1 or 2, a sentence, and no replay."""
    for options in ((), ("--dry-run",), ("--diff",), ("--to", receiver.url)):
        said = run(folder, "replay", "--call-id", "nothing", *options, code=1)
        assert "error: no callback matches --call-id nothing" in said.stderr
        assert not said.stdout
    said = run(folder, "replay", "--kind", "get_ivr_action", code=1)
    assert "nothing was replayed: no handler listens to any of these callbacks" in said.stderr
    said = run(folder, "replay", "--all", "--handler", "mine.menu", code=2)
    assert "mine.menu answers questions and gets no deliveries; handlers that listen: crm" in said.stderr
    with Database(f"sqlite:///{folder}/receiver.db") as database, database.read_only() as connection:
        assert connection.execute(select(replays)).all() == []


def test_a_replay_of_what_waits_already_is_not_stored(receiver: Receiver, folder: Path) -> None:
    """The second of two equal replays that nothing has run yet."""
    receiver.stop()
    assert "replay 1: 2 deliveries are due" in run(folder, "replay", "--kind", "cdr").stdout
    said = run(folder, "replay", "--kind", "cdr").stdout
    assert said == "2 deliveries existed already: the callback still waits for that handler.\n"
    with Database(f"sqlite:///{folder}/receiver.db") as database, database.read_only() as connection:
        assert len(connection.execute(select(replays)).all()) == 1


def test_deliveries_that_stay_as_they_are_are_named(receiver: Receiver, folder: Path) -> None:
    """Unknown numbers, finished deliveries, and filters that match nothing: exit code 1 and why."""
    for command, done in (("retry", "requeued"), ("drop", "dropped")):
        said = run(folder, "deliveries", command, "999", "1000", code=1)
        assert "there is no delivery 999, 1000; `receiver deliveries list` shows them" in said.stderr
        assert not said.stdout
        said = run(folder, "deliveries", command, "--handler", "crm", "--kind", "hangup_call", code=1)
        assert f"no delivery matches --state dead --handler crm --kind hangup_call; nothing was {done}" in said.stderr
    (folder / "crm-is-up").touch()
    said = run(folder, "deliveries", "retry", "1", "999", code=1)
    assert "1 delivery is due now" in said.stdout
    assert "there is no delivery 999" in said.stderr
    _wait_for(receiver, "done", 1)
    said = run(folder, "deliveries", "retry", "1", code=1)
    assert "delivery 1 is done; only those that are dead, dropped or due can be requeued" in said.stderr
    said = run(folder, "deliveries", "drop", "2", "--call-id", "one", code=1)
    assert "delivery 2 was not dropped: the filters do not match it" in said.stderr


def test_names_that_only_the_journal_knows_are_accepted(receiver: Receiver, folder: Path) -> None:
    """A handler that is no longer loaded, and modules that do not load at all."""
    (folder / "mine.py").write_text("broken =")
    assert len(run(folder, "deliveries", "list", "--handler", "crm", "--json").stdout.splitlines()) == 2
    said = run(folder, "deliveries", "list", "--handler", "nobody", code=2).stderr
    assert "there is crm" in said


def test_an_empty_result_says_so(receiver: Receiver, folder: Path) -> None:
    """On standard error and with exit code 0, also with --json: programs get no line."""
    for command, says in (
        ("callbacks list --call-id nothing", "No callback matches --call-id nothing."),
        ("callbacks list --call-id nothing --json", "No callback matches --call-id nothing."),
        ("deliveries list --state dropped", "No delivery matches --state dropped."),
        ("deliveries list --call-id nothing", "No delivery matches --state due --state running --state dead"),
        ("refused", "No request was rejected."),
    ):
        done = run(folder, *command.split())
        assert says in done.stderr
        assert not done.stdout


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
        (("--diff", "--handler", "crm"), "--handler excludes --to and --diff"),
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
    """The two records with unfinished deliveries are kept."""
    assert "3 callbacks would be deleted" in run(folder, "prune", "--older-than", "0s", "--dry-run").stdout
    assert "3 callbacks were blanked" in run(folder, "prune", "--older-than", "0s", "--bodies-only").stdout
    assert "3 callbacks were deleted" in run(folder, "prune", "--older-than", "0s").stdout
    assert [one["kind"] for one in receiver.callbacks()] == ["CDR", "CDR"]
    assert "0 callbacks would be deleted" in run(folder, "prune", "--older-than", "90d", "--dry-run").stdout


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
