"""Saving a played call as a scenario, and reading the journal for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from handlers import demo
from receiver.phone.journal_reader import JournalReader, trace_lines
from receiver.phone.line import Line
from receiver.phone.recording import RecordingError, free_name, require_free, save_call
from receiver.phone.script import read_script, run_script
from receiver.phone.session import PhoneSession
from receiver.plugins import Handlers
from receiver.providers.base.record import CallRecord
from receiver.providers.voicenter import IvrRequest, Menu
from receiver.scenarios import ScenarioRunner, load_scenario
from receiver.settings import Settings
from receiver.simulator import HttpSender, VirtualClock
from tests.phone.support import ORIGIN, no_journal, order, session
from tests.support import Running, running


async def play(receiver: Running, script: str, **fields: str) -> PhoneSession:
    """A phone that has played a script against a receiver in process."""
    placed = order(**fields)
    phone = PhoneSession(placed, Line(HttpSender(receiver.client, placed.provider.path), ORIGIN), VirtualClock())
    await run_script(phone, read_script(script), lambda _: None)
    return phone


def reader(receiver: Running, phone: PhoneSession) -> JournalReader:
    """The receiver's journal, as the phone reads it."""
    return JournalReader.open(Settings(database_url=receiver.url), phone.order.provider)


@pytest.mark.parametrize(
    ("fields", "script"),
    [
        ({}, "2 1 answer wait"),
        ({"format": "xmlrpc"}, "1 busy"),
        ({}, "1 noanswer"),
        ({}, "1 2 hangup"),
        ({}, "4 wait"),
        ({}, "3 1 wait wait"),
        ({}, "wait"),
        ({"name": "layer"}, "1 5 answer"),
        ({"name": "popup"}, ""),
        ({"name": "record"}, ""),
        ({"name": "spokn"}, "answer noanswer"),
        ({"name": "spokn", "caller": "+18474255380"}, "answer answer hangup"),
    ],
)
async def test_a_saved_call_is_a_scenario_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], script: str
) -> None:
    """Whatever was pressed: the replies, the call records and the handlers of the journal are expected again."""
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path, demo.handlers) as receiver:
        phone = await play(receiver, script, **fields)
        journal = reader(receiver, phone)
        file = free_name(phone, tmp_path / "scenarios")
        await save_call(phone, journal, file)
        journal.close()
    loaded = load_scenario(file)
    assert bool(loaded.scenario.records) == bool(loaded.scenario.handlers_run)
    async with ScenarioRunner(Settings()) as runner:
        [result] = await runner.run_all([loaded])
    assert result.problems == ()


async def test_a_scenario_has_what_the_journal_tells_of_handlers_and_records(tmp_path: Path) -> None:
    """Two records of one call, and the handler that got both."""
    async with running(tmp_path, demo.handlers) as receiver:
        phone = await play(receiver, "1 busy")
        journal = reader(receiver, phone)
        await save_call(phone, journal, tmp_path / "call.toml")
        journal.close()
    scenario = load_scenario(tmp_path / "call.toml").scenario
    assert [record["outcome"] for record in scenario.records] == ["busy", "busy"]
    assert [handler.name for handler in scenario.handlers_run] == ["handlers.demo.print_call"]
    assert scenario.title == "A call to your own IVR: 1 busy"


async def test_without_a_journal_a_scenario_has_the_replies_alone(tmp_path: Path) -> None:
    """The receiver may run on another machine."""
    phone = session()
    await run_script(phone, ["9"], lambda _: None)
    await save_call(phone, no_journal(tmp_path), tmp_path / "deep" / "call.toml")
    text = (tmp_path / "deep" / "call.toml").read_text()
    assert 'press = "9"' in text
    assert "[[record]]" not in text
    assert not (tmp_path / "none.db").exists()


async def test_a_file_is_not_overwritten_unless_it_is_forced(tmp_path: Path) -> None:
    """A scenario may have been edited since."""
    phone, file = session(), tmp_path / "call.toml"
    await run_script(phone, ["9"], lambda _: None)
    file.write_text("mine")
    with pytest.raises(RecordingError, match="exists; name another file, or add --force"):
        await save_call(phone, no_journal(tmp_path), file)
    with pytest.raises(RecordingError):
        require_free(file, force=False)
    require_free(file, force=True)
    await save_call(phone, no_journal(tmp_path), file, force=True)
    assert load_scenario(file).scenario.steps[1].press == "9"


async def test_a_file_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    """The call is not lost: it can be saved elsewhere."""
    phone = session()
    await run_script(phone, ["9"], lambda _: None)
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=r"file/call\.toml cannot be written"):
        await save_call(phone, no_journal(tmp_path), tmp_path / "file" / "call.toml")


async def test_a_call_that_was_hung_up_before_a_reply_is_not_saved(tmp_path: Path) -> None:
    """A scenario cannot express it, and would fail at once."""
    phone = session()
    phone.hung_up_early = True
    with pytest.raises(RecordingError, match="no scenario can say"):
        await save_call(phone, no_journal(tmp_path), tmp_path / "call.toml")


async def test_names_of_files_tell_the_call_and_do_not_repeat(tmp_path: Path) -> None:
    """Keys that are not letters become words."""
    phone = session()
    await run_script(phone, ["*"], lambda _: None)
    first = free_name(phone, tmp_path)
    first.touch()
    assert [first.name, free_name(phone, tmp_path).name] == ["ivr_star.toml", "ivr_star_1.toml"]


FAILING = Handlers("failing")


@FAILING.answer(IvrRequest)
def broken(step: IvrRequest) -> Menu:
    """Answer once, then never again."""
    if step.is_first:
        return Menu(menu="main", rec="welcome", size=1)
    raise RuntimeError("the menu is broken")


@FAILING.on(CallRecord, name="crm")
def crm(record: CallRecord) -> None:
    """Fail."""
    raise ValueError("no such customer")


def line_of(function: Callable[..., object]) -> int:
    """The line of its `def`."""
    return function.__code__.co_firstlineno + 1


async def test_the_journal_tells_why_handlers_failed(database_url: str) -> None:
    """The reason of a question, and the traceback of a delivery that waits for its next attempt."""
    async with running(database_url, FAILING) as receiver:
        phone = await play(receiver, "1")
        journal = reader(receiver, phone)
        trace = await journal.settled(phone.call.call_ids, 4)
        journal.close()
    lines = trace_lines(trace)
    assert (f"GET_IVR_ACTION answered by {__name__}.broken", "good") in lines
    reason = f"RuntimeError: the menu is broken (tests/phone/test_recording.py, line {line_of(broken) + 4})"
    assert (f"GET_IVR_ACTION failed ({__name__}.broken): {reason}", "bad") in lines
    assert (f"GET_IVR_ACTION failed: {reason}", "bad") in trace_lines(trace, whole=False)
    assert ("  crm waits, attempt 1 failed: ValueError: no such customer", "bad") in lines
    details = [text.strip() for text, kind in lines if kind == "detail"]
    assert details == [
        "Traceback (most recent call last):",
        f'File "{__file__}", line {line_of(crm) + 2}, in crm',
        'raise ValueError("no such customer")',
        "ValueError: no such customer",
    ]
    short = [text.strip() for text, kind in trace_lines(trace, whole=False) if kind == "detail"]
    assert short[1] == 'raise ValueError("no such customer")'
    assert ("  crm waits", "waiting") in lines  # for the other record of the call


async def test_a_journal_of_another_receiver_is_not_waited_for(tmp_path: Path) -> None:
    """It has nothing of the call, and says so."""
    async with running(tmp_path, demo.handlers) as receiver:
        phone = session()
        await run_script(phone, ["9"], lambda _: None)
        journal = reader(receiver, phone)
        trace = await journal.settled(phone.call.call_ids, 4, wait=1000)
        journal.close()
    assert trace.callbacks == ()
    assert trace.stored("CDR", 0) is None


async def test_a_journal_that_cannot_be_read_says_why_and_is_left_alone(tmp_path: Path) -> None:
    """It may be of a version that this one does not know."""
    (tmp_path / "other.db").write_bytes(b"this is no database at all, but some text")
    journal = JournalReader.open(Settings(database_url=f"sqlite:///{tmp_path}/other.db"), order().provider)
    assert (await journal.read(["x"])).callbacks == ()
    assert journal.problem.startswith("the journal cannot be read: ")
    assert (await journal.read(["x"])).callbacks == ()


async def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Looking must leave no file behind."""
    journal = no_journal(tmp_path)
    assert "there is no journal" in journal.problem
    assert (await journal.settled(["x"], 1)).callbacks == ()
    assert list(tmp_path.iterdir()) == []
