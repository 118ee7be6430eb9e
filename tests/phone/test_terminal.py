"""The phone in a real terminal of 80 columns and 24 lines."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pexpect
import pytest

from tests.scenarios.serving import Receiver, _plain_environment, run, serving

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver with the demo."""
    with serving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


class Output:
    """Everything that the terminal got."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        """Keep it."""
        self.text += text

    def flush(self) -> None:
        """Nothing is buffered."""


@contextmanager
def terminal(receiver: Receiver, *arguments: str, **environment: str) -> Iterator[tuple["pexpect.spawn[str]", Output]]:
    """`receiver phone` in a terminal."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "receiver", "phone", "--url", receiver.url, *arguments],
        cwd=str(receiver.folder),
        env={**_plain_environment(), "TERM": "xterm-256color", **environment},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=60,
    )
    output = Output()
    child.logfile_read = output
    try:
        yield child, output
    finally:
        child.close(force=True)


def ended(child: "pexpect.spawn[str]") -> int | None:
    """The exit code."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_a_whole_call_by_keys_is_saved_as_a_scenario_that_passes(receiver: Receiver) -> None:
    """Keys, the dialled side, hanging up, the journal, one key to save it, one to leave."""
    with terminal(receiver) as (child, output):
        child.expect("MENU MAIN")
        child.expect("recording welcome")
        child.send("2")
        child.expect("your_number_is")
        child.send("1")
        child.expect("DIALING")
        child.send("a")
        child.expect("TALKING")
        child.send("h")
        child.expect("ENDED")
        child.expect("handlers.demo.print_call done")
        child.send("s")
        child.expect("receiver test scenarios/ivr_21_answer_hangup.toml")
        child.send("q")
        assert ended(child) == 0
    assert "1 passed, 0 failed" in run(receiver.folder, "test", "scenarios/ivr_21_answer_hangup.toml").stdout
    assert COLOUR.search(output.text)


def test_no_color_leaves_no_colour(receiver: Receiver) -> None:
    """The words say all that the colours do."""
    with terminal(receiver, NO_COLOR="1") as (child, output):
        child.expect("MENU MAIN")
        child.send("9")
        child.expect("3 requests, no fault|4 requests, no fault")
        child.send("q")
        assert ended(child) == 0
    assert not COLOUR.search(output.text)


def test_time_passes_until_the_provider_goes_on_by_itself(receiver: Receiver) -> None:
    """Silence in the menu: the demo says goodbye."""
    with terminal(receiver, "--speed", "50") as (child, _):
        child.expect("continues in")
        child.expect("ENDED")
        child.send("q")
        assert ended(child) == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("popup", "--caller", "0541234572"), "John"), (("layer",), "LAYER 1"), (("spokn",), "DIALING, LEG 1")],
)
def test_every_call_has_a_screen(receiver: Receiver, arguments: tuple[str, ...], expected: str) -> None:
    """As the issue of a call is named: popup, layer, spokn."""
    with terminal(receiver, *arguments) as (child, _):
        child.expect(expected)
        child.send("q")
        assert ended(child) == 0


def test_leaving_in_the_middle_of_a_call_hangs_up_and_records(receiver: Receiver) -> None:
    """Ctrl-C is a way to leave, too."""
    with terminal(receiver, "--record", "left.toml") as (child, _):
        child.expect("MENU MAIN")
        child.send("\x03")
        assert ended(child) == 0
    assert "hang_up = true" in (receiver.folder / "left.toml").read_text()


def test_plain_lines_move_no_cursor(receiver: Receiver) -> None:
    """A screen reader reads the lines as they come; keys are lines that are typed."""
    with terminal(receiver, "--plain") as (child, output):
        child.expect("can do  0-9")
        child.sendline("1")
        child.expect("hears   ringing 0540000000")
        child.sendline("busy")
        child.expect("the call has ended as the provider would have it")
        child.expect("print_call done")
        child.sendline("quit")
        assert ended(child) == 0
    assert not re.search(r"\x1b\[[\d;?]*[A-HJKfhlsu]", output.text)


def test_a_terminal_that_can_do_nothing_gets_plain_lines(receiver: Receiver) -> None:
    """TERM=dumb says so."""
    with terminal(receiver, TERM="dumb") as (child, _):
        child.expect("can do  0-9")
        child.sendeof()
        assert ended(child) == 0
