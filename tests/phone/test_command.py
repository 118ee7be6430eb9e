"""`receiver phone` as a person or a program types it, against a listening receiver."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from receiver.cli import app
from receiver.phone.plain import line_reader
from tests.phone.support import answering
from tests.scenarios.serving import COMMAND, Receiver, _plain_environment, run, serving

SETTINGS = """
secrets = ["first-secret"]
passwords = ["user:long-password"]

[providers.voicenter]
path = "calls/voicenter"
"""


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with the demo."""
    with serving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


def invoke(folder: Path, *arguments: str, code: int = 0, **environment: str) -> Result:
    """`receiver phone` as typed in `folder`, run in this process; its exit code must be `code`."""
    with chdir(folder):
        done = CliRunner().invoke(app, ["phone", *arguments], env=environment)
    assert done.exit_code == code, done.stdout + done.stderr
    return done


def phone(receiver: Receiver, *arguments: str, code: int = 0, **environment: str) -> Result:
    """`receiver phone` in the receiver's folder."""
    return invoke(receiver.folder, "--url", receiver.url, *arguments, code=code, **environment)


def objects(output: str) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in output.splitlines()]


def test_the_command_that_other_tools_use_runs_as_a_program(receiver: Receiver) -> None:
    """One JSON object a step on standard output, nothing on standard error, exit code 0."""
    done = run(receiver.folder, "phone", "--url", receiver.url, "--script", "1 2 hangup", "--json")
    assert [line["key"] for line in objects(done.stdout)] == ["start", "1", "2", "hangup"]
    assert done.stderr == ""


@pytest.mark.parametrize("format_", ["xmlrpc", "json"])
def test_a_script_prints_one_json_object_a_step(receiver: Receiver, format_: str) -> None:
    """Fixed for other tools: `receiver phone --url URL --script "1 2 hangup" --json`."""
    found = objects(phone(receiver, "--script", "1 2 hangup", "--json", "--format", format_).stdout)
    assert [line["key"] for line in found] == ["start", "1", "2", "hangup"]
    assert all({"key", "request", "reply", "ms"} <= line.keys() for line in found)
    assert all(line["reply"]["status"] == 200 for line in found if line["request"])
    assert [report["reply"]["status"] for line in found for report in line["reports"]] == [200]
    assert found[0]["request"]["body"].startswith("<?xml" if format_ == "xmlrpc" else "{")


def test_a_script_prints_a_transcript_with_what_the_journal_has(receiver: Receiver) -> None:
    """For people: what is heard, and what the handlers did."""
    printed = phone(receiver, "--script", "2 1 answer hangup", "--caller", "0521234567", "--did", "0731111111").stdout
    assert "from 0521234567 to 0731111111" in printed
    assert "hears   recording welcome, 3 times, 2 s apart, in Hebrew" in printed
    assert "hears   digits 0 5 2 1 2 3 4 5 6 7, in Hebrew" in printed
    assert "hears   ringing 0540000000" in printed
    assert "state   talking" in printed
    assert "the call has ended as the provider would have it" in printed
    assert "CDR accepted\n    handlers.demo.print_call done" in printed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("popup", "--caller", "0541234572", "--script", ""), "CLIENTNAME John Doe"),
        (("--layer", "8", "--script", "1"), "LAYER_ID 8"),
        (("layer", "--option", "layer=9", "--script", "5 answer"), "LAYER_ID 9"),
        (("spokn", "--script", "answer answer hangup"), "leg 2"),
        (("click_to_call", "--format", "json", "--script", "busy"), "leg 1"),
        (("record", "--option", "type=Queue", "--option", "status=FULL", "--script", ""), "type Queue, status FULL"),
        (("--provider", "voicenter", "--caller-name", "Dana", "--script", "9"), "CALLER_NAME Dana"),
    ],
)
def test_every_call_can_be_played(receiver: Receiver, arguments: tuple[str, ...], expected: str) -> None:
    """Of every provider, with what only some calls have."""
    printed = phone(receiver, *arguments).stdout
    assert expected in printed
    assert "the call has ended as the provider would have it" in printed


def test_a_faulty_reply_ends_with_exit_code_1() -> None:
    """A receiver that answers nonsense: the rule that is broken is named."""
    with answering(lambda _: b"hello") as url:
        done = invoke(Path(), "--url", url, "--script", "1", "--json", code=1)
        found = objects(done.stdout)
        assert [line["key"] for line in found] == ["start"]
        assert found[0]["reply"] == {"status": 200, "body": "hello"}
        assert "(A-03)" in found[0]["faults"][0]
        printed = invoke(Path(), "--url", url, "--script", "1", code=1)
        assert "faults of replies: 3" in printed.stdout


def test_an_error_reply_ends_with_exit_code_1() -> None:
    """STATUS 1 is a reply that the provider understands, and its caller is not served."""
    reply = b'{"STATUS": 1, "ACTION": "HANGUP", "LANGUAGE": "HE", "DATA": {}}'
    with answering(lambda _: reply) as url:
        done = invoke(Path(), "--url", url, "--format", "json", "--script", "", "--json", code=1)
    assert "(C-26)" in objects(done.stdout)[0]["faults"][0]


@pytest.mark.parametrize("arguments", [(), ("--plain",), ("--script", "1"), ("--script", "1", "--json")])
def test_without_a_receiver_one_line_says_which_command_starts_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """And nothing else is printed."""
    done = invoke(tmp_path, "--url", "http://127.0.0.1:1", *arguments, code=1)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no receiver answers at http://127.0.0.1:1; start one with `receiver serve`" in done.stderr
    assert "make" not in done.stderr


def test_secret_password_and_path_come_from_the_settings(tmp_path: Path) -> None:
    """The secret is not printed; wrong ones are refused, and the phone says where to look."""
    (tmp_path / "receiver.toml").write_text(SETTINGS)
    with serving(tmp_path) as receiver:
        done = phone(receiver, "--script", "9", "--json")
        assert objects(done.stdout)[0]["request"]["path"] == "/calls/voicenter"
        assert "first-secret" not in done.stdout
        address = f"{receiver.url}/first-secret/calls/voicenter"
        whole = invoke(tmp_path, "--url", address, "--script", "9", RECEIVER_SECRETS="another-secret")
        assert "as the provider would have it" in whole.stdout
        refused = phone(receiver, "--script", "9", code=1, RECEIVER_SECRETS="another-secret")
        assert "`receiver refused` beside the receiver says why" in refused.stdout
        phone(receiver, "--script", "9", code=1, RECEIVER_PASSWORDS="user:another-password")


def test_a_recorded_script_is_a_scenario_that_passes(receiver: Receiver) -> None:
    """With what the journal has of it; the file is overwritten only on demand."""
    phone(receiver, "--script", "2 1 busy", "--record", "scenarios/busy.toml")
    text = (receiver.folder / "scenarios/busy.toml").read_text()
    assert 'name = "handlers.demo.print_call"' in text
    assert "1 passed, 0 failed" in run(receiver.folder, "test", "scenarios/busy.toml").stdout
    refused = phone(receiver, "--script", "9", "--record", "scenarios/busy.toml", code=2)
    assert "add --force to overwrite it" in refused.stderr
    phone(receiver, "--script", "9", "--json", "--record", "scenarios/busy.toml", "--force")
    assert 'press = "9"' in (receiver.folder / "scenarios/busy.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("dance",), "there is no call 'dance'; there are"),
        (("--provider", "acme"), "there is no provider 'acme'"),
        (("--script", "1 whistle"), "'whistle' is not an action; there are 0 1 2"),
        (("--option", "colour"), "write it as NAME=VALUE"),
        (("--option", "colour=red"), "'colour' is not an option of a call to your own IVR"),
        (("--format", "form", "--script", ""), "does not come as form; choose one of xmlrpc, json"),
        (("popup", "--layer", "3"), "'layer' is not an option of the question of the pop-up screen"),
        (("--json",), "--json goes with --script"),
        (("--url", "nonsense"), "'nonsense' is not an address; write one like http://127.0.0.1:8000"),
    ],
)
def test_what_cannot_be_played_is_refused_before_the_call(
    receiver: Receiver, arguments: tuple[str, ...], problem: str
) -> None:
    """Exit code 2, and what to write."""
    assert problem in phone(receiver, *arguments, code=2).stderr


def test_actions_after_the_end_are_named(receiver: Receiver) -> None:
    """On standard error, so that JSON stays JSON."""
    done = phone(receiver, "--script", "9 wait hangup", "--json")
    assert [line["key"] for line in objects(done.stdout)] == ["start", "9"]
    assert "the call had ended before: wait hangup" in done.stderr


def typed(receiver: Receiver, *arguments: str, lines: str) -> subprocess.CompletedProcess[str]:
    """What the phone prints for lines that come through a pipe."""
    return subprocess.run(
        [*COMMAND, "phone", "--url", receiver.url, *arguments],
        cwd=receiver.folder,
        env=_plain_environment(),
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_plain_lines_do_what_a_screen_does(receiver: Receiver) -> None:
    """Lines in, lines out: no cursor movement, no colour, each line begins with what it is."""
    lines = "5\nhangup\ncall\n1\nanswer\nwhistle\n\npause\npause\nhelp\nhangup\nsave\nquit\n"
    done = typed(receiver, "--plain", lines=lines)
    assert "\x1b" not in done.stdout
    for expected in (
        "hears   recording welcome, 3 times, 2 s apart, in Hebrew",
        "can do  0-9 * #, wait, hangup; help",
        "hangup has no effect now",
        "can do  answer, busy, noanswer, hangup; help",
        "'whistle' is not an action",
        "the clock is stopped",
        "the clock runs",
        "Type actions and press Enter",
        "saved: receiver test scenarios/ivr_1_answer_hangup.toml",
        "handlers.demo.print_call done",
    ):
        assert expected in done.stdout, expected
    assert "1 passed, 0 failed" in run(receiver.folder, "test", "scenarios/ivr_1_answer_hangup.toml").stdout


def test_the_end_of_the_input_hangs_up(receiver: Receiver) -> None:
    """A pipe needs no --plain, and the call is recorded if that is wanted."""
    done = typed(receiver, "--record", "piped.toml", "--force", lines="call\n1\n")
    assert "hang up first" in done.stdout
    assert "hangup\n  sent    HANGUP_CALL" in done.stdout
    assert "saved: receiver test piped.toml" in done.stdout


def test_the_provider_goes_on_by_itself_between_lines(receiver: Receiver) -> None:
    """The time of the call runs, here a thousand times as fast, while nothing is typed."""
    child = subprocess.Popen(
        [*COMMAND, "phone", "--url", receiver.url, "--plain", "--speed", "1000"],
        cwd=receiver.folder,
        env=_plain_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        while "wait\n" not in (line := child.stdout.readline()):
            assert line, "the phone ended"
        child.stdin.close()
        assert "sent    GET_IVR_ACTION" in child.stdout.read()
    assert child.returncode == 0


def test_lines_are_read_as_they_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 do not end the phone; the end of the input is an empty line."""
    (tmp_path / "input").write_bytes(b"1\n\xff\n")
    with (tmp_path / "input").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        read = line_reader()
        assert [read(), read(), read()] == ["1\n", "\N{REPLACEMENT CHARACTER}\n", ""]
