"""The command line as users type it, against a listening receiver."""

import csv
import json
import time
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from receiver.cli import app
from receiver.providers.base.samples import Sample, find_samples
from tests.scenarios.serving import Receiver, run, serving


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with the demo handlers and the call log."""
    folder = tmp_path_factory.mktemp("receiver")
    (folder / "receiver.toml").write_text(
        'handlers = ["handlers.demo", "handlers.call_log"]\n[handler_settings.call_log]\npath = "calls.csv"\n'
    )
    with serving(folder) as receiver:
        yield receiver


def _banner(receiver: Receiver) -> str:
    return "".join(receiver.output)


def test_serve_prints_its_urls_handlers_and_journal(receiver: Receiver) -> None:
    """The URLs to paste, the handlers with what they listen to, and the location of the data."""
    banner = _banner(receiver)
    for needed in (f"{receiver.url}/voicenter", f"{receiver.url}/voicenter/popup", f"{receiver.url}/spokn"):
        assert needed in banner
    assert "handlers.demo.main_menu" in banner
    assert str(receiver.folder / "receiver.db") in banner


DOCUMENTED = [sample for sample in find_samples() if sample.documented]


@pytest.mark.parametrize("sample", DOCUMENTED, ids=lambda sample: f"{sample.name}.{sample.format}")
def test_every_documented_sample_can_be_sent(receiver: Receiver, sample: Sample) -> None:
    """`receiver send NAME` shows the request and the reply of a running receiver."""
    done = CliRunner().invoke(app, ["send", sample.name, "--format", sample.format, "--url", receiver.url])
    assert done.exit_code == 0, done.output
    assert "reply 200" in done.output


def test_send_lists_its_samples(receiver: Receiver) -> None:
    """The list has their formats."""
    listed = run(receiver.folder, "send", "--list").stdout
    assert "cdr" in listed
    assert "xmlrpc" in listed


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["send", "no-such"], 2, "receiver send --list"),
        (["send", "cdr", "--url", "http://127.0.0.1:9"], 1, "receiver serve"),
        (["callbacks", "show", "1"], 2, "there is no journal"),
        (["forget", "0501234567"], 2, "there is no journal"),
        (["check", "--url", "calls.example.com"], 2, "the receiver's address alone"),
        (["check", "--url", "https://calls.example.com/secret/voicenter"], 2, "the receiver's address alone"),
        (["callbacks", "list", "--since", "yesterday"], 2, "90m, 24h or 7d"),
        (["check", "--handlers", "no.such"], 2, "there is no module 'no.such'"),
        (["check", "--database-url", "nonsense"], 2, "sqlite:///receiver.db"),
        (["serve", "--port", "0", "--database-url", "sqlite:////no/such/folder/receiver.db"], 2, "unable to open"),
        (["check", "--database-url", "sqlite:////no/such/folder/receiver.db"], 2, "there is no folder /no/such/folder"),
        (["serve", "--port", "99999"], 2, "port"),
    ],
)
def test_a_mistake_gets_one_clear_line(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    """The line says what to do next, and there is no traceback."""
    done = run(tmp_path, *arguments, code=code)
    said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
    assert message in said
    assert "Traceback" not in said


def test_an_unknown_method_is_explained_in_the_log_and_in_the_list(receiver: Receiver) -> None:
    """The provider's error reply says nothing; a repeat has the reason as well, with the number of the first."""
    body = {"METHOD": "GET_IVR_ACTON", "DATA": {"DID": "0730000000"}}
    for _ in range(2):
        assert httpx.post(f"{receiver.url}/voicenter", json=body).json() == {"STATUS": 1}
    first, second = receiver.callbacks("--outcome", "unparsed")[-2:]
    reason = "unknown method 'GET_IVR_ACTON'; there are CDR, GET_IVR_ACTION, HANGUP_CALL, IVR_LAYER_INPUT, POPUP"
    assert (first["reason"], second["reason"], second["duplicate_of"]) == (reason, reason, first["id"])
    table = run(receiver.folder, "callbacks", "list", "--outcome", "unparsed").stdout
    assert f"repeat of {first['id']}: {reason}" in table
    receiver.wait_for(f"a callback of Voicenter could not be parsed: {reason} callback={first['id']}")
    receiver.wait_for(f"a callback of Voicenter could not be parsed, a repeat of {first['id']}: {reason}")


def test_an_unreadable_question_is_explained_in_the_log(receiver: Receiver) -> None:
    """It gets an error reply without a reason, too."""
    httpx.post(f"{receiver.url}/voicenter/ivr", content=b"{")
    receiver.wait_for("a GET_IVR_ACTION of Voicenter could not be parsed: the JSON is broken")


def test_callbacks_are_listed_and_shown(receiver: Receiver) -> None:
    """As a table, as one JSON object a line, and as one callback with all its bytes."""
    cdr = {"caller": "0541234567", "ivruniqueid": "shown", "status": "ANSWER"}
    with xmlrpc.client.ServerProxy(f"{receiver.url}/voicenter") as proxy:
        for _ in range(2):
            proxy.CDR(cdr)
    first, second = receiver.callbacks("--call-id", "shown")
    assert {"id", "received_at", "provider", "kind", "call_id", "outcome", "reason", "duplicate_of"} <= first.keys()
    assert (first["outcome"], first["duplicate_of"], second["duplicate_of"]) == ("accepted", None, first["id"])
    table = run(receiver.folder, "callbacks", "list", "--kind", "cdr", "--outcome", "duplicate", "--since", "1h").stdout
    assert f"repeat of {first['id']}" in table
    shown = run(receiver.folder, "callbacks", "show", str(first["id"])).stdout
    assert "<string>0541234567</string>" in shown
    assert "handlers.demo.print_call" in shown
    details = json.loads(run(receiver.folder, "callbacks", "show", str(first["id"]), "--json").stdout)
    assert {one["handler"] for one in details["deliveries"]} == {"handlers.demo.print_call", "handlers.call_log.append"}


def test_the_call_log_is_a_csv_that_harms_no_spreadsheet(receiver: Receiver) -> None:
    """One line for each call record, under a heading; a value that looks like a formula is escaped."""
    fields = {"userid": "1", "aparty": "=cmd()", "bparty": "+18474255380", "leg": "1", "status": "0", "token": "csv"}
    assert httpx.post(f"{receiver.url}/spokn", data=fields).text == "OK"
    receiver.stop()
    with (receiver.folder / "calls.csv").open(newline="", encoding="utf-8") as file:
        [row] = [row for row in csv.DictReader(file) if row["call_id"] == "csv"]
    assert (row["from"], row["to"], row["outcome"]) == ("'=cmd()", "+18474255380", "answered")


def test_check_names_handlers_and_what_could_go_wrong(tmp_path: Path) -> None:
    """Two handlers that could both answer, and questions without a handler."""
    (tmp_path / "mine.py").write_text(
        "from receiver import Handlers\n"
        "from receiver.providers.voicenter import Hangup, IvrRequest\n"
        "handlers = Handlers()\n"
        "@handlers.answer(IvrRequest, did='072')\ndef sales(step): return Hangup()\n"
        "@handlers.answer(IvrRequest)\ndef rest(step): return Hangup()\n"
    )
    said = run(tmp_path, "check", "--handlers", "mine").stdout
    assert "mine.sales and mine.rest could both answer" in said
    assert "no handler answers Voicenter's IVR_LAYER_INPUT" in said
    assert not list(tmp_path.glob("receiver.db*"))


def test_help_is_enough_to_get_going(tmp_path: Path) -> None:
    """Every command says what it does, in the order in which a new user meets them."""
    said = run(tmp_path, "--help").stdout
    commands = ("serve", "check", "send", "callbacks", "call", "deliveries", "replay", "forget")
    places = [said.index(f"│ {command} ") for command in commands]
    assert places == sorted(places)
    assert "It places no call." in run(tmp_path, "call", "--help").stdout


def test_an_unknown_callback_number_is_an_error(receiver: Receiver) -> None:
    """The error says what to do next."""
    assert "receiver callbacks list" in run(receiver.folder, "callbacks", "show", "99999", code=1).stderr


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ALLOW_FROM", "pbx.example.com", "allow_from.0: 'pbx.example.com' is not an address or a network"),
        ("PASSWORDS", "nocolon", "passwords.0: write user:password"),
        ("PASSWORDS", ":", "passwords.0: write user:password"),
        ("SECRETS", "short", "secrets.0: a secret has 8 to 200 letters"),
        ("PUBLIC_URL", "calls.example.com", "public_url: 'calls.example.com' is not an address"),
    ],
)
def test_a_setting_that_cannot_work_is_named_in_plain_words(
    tmp_path: Path, variable: str, value: str, says: str
) -> None:
    """Not in the words of the library that validates it."""
    said = run(tmp_path, "check", code=2, **{f"RECEIVER_{variable}": value}).stderr
    assert f"error: {says}" in said
    assert said.count("error:") == 1


# --- receiver test ---------------------------------------------------------------------------------------------------

DEMO_SCENARIO = """
title = "Key 1 rings the office"

[[step]]
expect = { action = "MENU", menu = "main" }

[[step]]
press = "1"
expect = { action = "CALL", target = "0540000000" }
"""


def test_receiver_test_runs_the_scenarios_of_the_folder(tmp_path: Path) -> None:
    """The last line counts, and the exit code says whether all passed."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "office.toml").write_text(DEMO_SCENARIO)
    done = run(tmp_path, "test")
    assert done.stdout.splitlines() == ["passed  scenarios/office.toml  Key 1 rings the office", "1 passed, 0 failed"]
    assert not (tmp_path / "receiver.db").exists()


def test_receiver_test_shows_what_is_different(tmp_path: Path) -> None:
    """The line of the step, the difference, what handlers printed, and exit code 1; JUnit XML for a CI server."""
    (tmp_path / "office.toml").write_text(DEMO_SCENARIO.replace("0540000000", "0540000009"))
    done = run(tmp_path, "test", "office.toml", "--junit", "junit.xml", code=1)
    assert "office.toml:7: step 2, press 1: the reply is another one" in done.stdout
    assert '-  "target": "0540000009"' in done.stdout
    assert "handlers printed:" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    [line] = run(tmp_path, "test", "office.toml", "--json", code=1).stdout.splitlines()
    assert json.loads(line)["problems"][0]["step"] == 1


def test_receiver_test_says_what_to_do_without_scenarios(tmp_path: Path) -> None:
    """A folder without scenarios is no success."""
    assert "receiver new" in run(tmp_path, "test", code=2).stderr
    (tmp_path / "scenarios").mkdir()
    assert "no scenario" in run(tmp_path, "test", code=2).stderr


def test_a_stored_call_becomes_a_scenario(tmp_path: Path) -> None:
    """Printed to standard output, with another caller if that is wanted; `receiver test` runs it."""
    with serving(tmp_path) as receiver:
        for values in (
            {"MENU": "-1", "PREVIOUS_MENU": "-1", "DTMF": ""},
            {"MENU": "main", "PREVIOUS_MENU": "-1", "DTMF": "1"},
        ):
            data = {"DID": "0731111111", "CALLER_ID": "0523574321", "IVR_UNIQUE_ID": "one", **values}
            httpx.post(f"{receiver.url}/voicenter", json={"METHOD": "GET_IVR_ACTION", "DATA": data})
        wait_for_callbacks(receiver, 2)
    text = run(tmp_path, "call", "one", "--as-scenario", "--mask").stdout
    assert 'press = "1"' in text
    assert "0731111111" in text
    assert "0523574321" not in text
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "one.toml").write_text(text)
    assert "1 passed, 0 failed" in run(tmp_path, "test").stdout
    assert "no callback has the call id" in run(tmp_path, "call", "two", "--as-scenario", code=1).stderr


def wait_for_callbacks(receiver: Receiver, count: int) -> None:
    """Questions are stored after their reply."""
    for _ in range(200):
        if len(receiver.callbacks()) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("the callbacks were not stored")
