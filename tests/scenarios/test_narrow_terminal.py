"""What a person sees on a terminal of 80 columns and 24 rows: fewer columns, and ids that can be copied."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.scenarios.serving import Receiver, run, run_in_terminal, serving

MODULE = """
from receiver import CallRecord, Handlers, RetryLater
from receiver.providers.voicenter import Hangup, IvrRequest

handlers = Handlers()

@handlers.answer(IvrRequest, did="0730000000")
def front_desk_of_the_branch_office(step): return Hangup()

@handlers.on(CallRecord, outcome=["answered", "no_answer", "abandoned"], attempts=1)
def send_to_the_crm(record): raise ValueError("the CRM answered 500, and it says that it does so for a good reason")

@handlers.on(CallRecord)
def wait(record): raise RetryLater("the CRM is down", after=3600)
"""
CALL = "1bcd7954224861f85a2d70612f248282"
HANDLER = "handlers.branch_office.send_to_the_crm"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with long names, long call ids, a failed delivery, unreadable callbacks and a rejected request."""
    folder = tmp_path_factory.mktemp("receiver")
    (folder / "handlers").mkdir()
    (folder / "handlers" / "branch_office.py").write_text(MODULE)
    (folder / "receiver.toml").write_text('handlers = ["handlers.branch_office"]\n')
    with serving(folder) as receiver:
        url = f"{receiver.url}/voicenter"
        httpx.post(url, json={"caller": "0541234567", "ivruniqueid": CALL, "status": "ANSWER", "time": 1536855354})
        for _ in range(2):
            httpx.post(url, json={"METHOD": "NO_SUCH_METHOD", "DATA": {"DID": "0730000000"}})
        httpx.post(f"{receiver.url}/wrong-secret/that-is-quite-long/voicenter/{CALL}")
        _wait_until_listed(receiver, "deliveries", "list", "--state", "dead", "--json")
        _wait_until_listed(receiver, "deliveries", "list", "--handler", "handlers.branch_office.wait", "--json")
        _wait_until_listed(receiver, "refused", "--json")
        yield receiver


def _wait_until_listed(receiver: Receiver, *command: str) -> None:
    assert any(run(receiver.folder, *command).stdout for _ in range(50))


@pytest.mark.parametrize("columns", [80, 60])
def test_callbacks_keep_their_call_ids(receiver: Receiver, columns: int) -> None:
    """Every line fits, each call id is whole, and the reason stands below its row."""
    lines = run_in_terminal(receiver.folder, "callbacks", "list", columns=columns)
    assert max(map(len, lines)) <= columns
    assert sum(CALL in line for line in lines) == 1
    reasons = [line for line in lines if "unknown method 'NO_SUCH_METHOD'" in line]
    assert reasons[0].startswith("    unknown method")
    assert reasons[1].startswith("    repeat of 2: unknown method")
    assert any(line.startswith("No room for: provider") for line in lines)


def test_deliveries_keep_handlers_and_call_ids(receiver: Receiver) -> None:
    """Both are needed by the next command."""
    lines = run_in_terminal(receiver.folder, "deliveries", "list")
    assert max(map(len, lines)) <= 80
    [row] = [line for line in lines if HANDLER in line]
    assert CALL in row
    assert any(line.startswith("    ValueError: the CRM answered 500") for line in lines)


def test_rejected_requests_keep_their_path(receiver: Receiver) -> None:
    """And the address, for it goes into a setting."""
    lines = run_in_terminal(receiver.folder, "refused")
    [row] = [line for line in lines if "127.0.0.1" in line]
    assert f"/voicenter/{CALL}" in row
    assert any("no callback arrives at this path" in line for line in lines)


def test_samples_keep_their_names_and_formats(receiver: Receiver) -> None:
    """One line each; what does not fit ends in an ellipsis."""
    lines = run_in_terminal(receiver.folder, "send", "--list")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("  broken-cdr-second-half  xmlrpc") for line in lines)
    assert sum(line.split()[:1] == ["leg1"] for line in lines) == 1


def test_check_and_serve_list_handlers_alike(receiver: Receiver) -> None:
    """Each name is whole, filters go on below it, and no line ends in blanks."""
    checked = run_in_terminal(receiver.folder, "check")
    assert max(map(len, checked)) <= 80
    assert any(line.split()[:3] == [HANDLER, "listens", "to"] for line in checked)
    banner = "".join(receiver.output).splitlines()
    assert f"  {HANDLER}" in "\n".join(banner)
    assert "listens to CallRecord, outcome=['answered', 'no_answer', 'abandoned']" in "\n".join(banner)
    assert not [line for line in [*checked, *banner] if line != line.rstrip()]


@pytest.mark.parametrize("command", [("callbacks", "show", "1"), ("call", CALL), ("deliveries", "show", "1")])
def test_what_is_shown_keeps_its_ids(receiver: Receiver, command: tuple[str, ...]) -> None:
    """Words are not broken: neither an id nor a handler's name."""
    lines = run_in_terminal(receiver.folder, *command)
    needed = {CALL, HANDLER} if command[0] != "deliveries" else {HANDLER}
    for word in needed:
        assert any(word in line for line in lines)


def test_piped_output_has_every_column(receiver: Receiver) -> None:
    """Programs such as grep get whole lines, whatever the terminal is like."""
    [row] = [line for line in run(receiver.folder, "callbacks", "list", COLUMNS="").stdout.splitlines() if CALL in line]
    assert row.split()[3:6] == ["voicenter", "CDR", CALL]


@pytest.mark.parametrize(
    "command",
    [
        *(("callbacks", "list"), ("callbacks", "show", "1"), ("call", CALL), ("deliveries", "list")),
        *(("deliveries", "show", "1"), ("refused",), ("replay", "--kind", "cdr", "--dry-run")),
    ],
    ids=" ".join,
)
def test_every_time_has_its_offset(receiver: Receiver, command: tuple[str, ...]) -> None:
    """Local time with the offset beside it, or once in the heading of its column."""
    said = run(receiver.folder, *command, TZ="Etc/GMT-5").stdout
    assert "+05:00" in said


def test_every_time_in_json_has_its_offset(receiver: Receiver) -> None:
    """ISO 8601, for programs."""
    for command in (("callbacks", "list"), ("deliveries", "show", "1"), ("refused",), ("call", CALL)):
        lines = run(receiver.folder, *command, "--json").stdout.splitlines()
        moments = [value for line in lines for value in _moments(json.loads(line))]
        assert moments
        assert all(moment.endswith(("+00:00", "Z")) for moment in moments)


def _moments(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, str) and (name in {"at", "started"} or name.endswith("_at")):
                yield one
            yield from _moments(one)
    elif isinstance(value, list):
        for one in value:
            yield from _moments(one)
