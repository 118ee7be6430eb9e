"""Scripts and transcripts: a call without a screen, as lines and as JSON."""

import json

import pytest
from rich.text import Text

from receiver.errors import SimulationError
from receiver.phone.script import read_script, run_script
from receiver.phone.session import PhoneSession
from receiver.phone.transcript import Transcript, deadline_for, one_line, step_as_json
from receiver.phone.values import pairs, values_of_reply, values_of_request
from receiver.phone.words import milliseconds, seconds
from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest
from receiver.simulator import Send, Step
from tests.phone.support import ACKNOWLEDGED, MENU, OFFICE, action, as_json, by_key, order, session


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("1 2 # wait hangup", ["1", "2", "#", "wait", "hangup"]),
        ("12* hang_up", ["1", "2", "*", "hang_up"]),
        ("1 no_answer Busy", ["1", "no_answer", "Busy"]),
        ("", []),
    ],
)
def test_a_script_is_actions_between_blanks(text: str, actions: list[str]) -> None:
    """Several keys may be one word."""
    assert read_script(text) == actions


@pytest.mark.parametrize("word", ["whistle", "12a", "-1"])
def test_a_word_that_is_no_action_is_refused_before_the_call(word: str) -> None:
    """The error lists the actions."""
    with pytest.raises(SimulationError, match=r"is not an action; there are 0 1 2 .* wait, hangup"):
        read_script(f"1 {word}")


async def played(script: str, send: Send = OFFICE) -> tuple[PhoneSession, list[Step], list[str]]:
    """The phone after a script, its steps, and the actions that were left."""
    phone = session(send)
    steps: list[Step] = []
    return phone, steps, await run_script(phone, read_script(script), steps.append)


async def test_a_script_that_ends_before_the_call_hangs_up() -> None:
    """The receiver gets the reports of every call."""
    phone, steps, left = await played("1")
    assert [step.action for step in steps] == ["start", "1", "hangup"]
    assert phone.is_over
    assert left == []


async def test_a_call_that_ends_before_the_script_leaves_actions() -> None:
    """They are not done, and the caller of the function learns which."""
    _, steps, left = await played("9 wait hangup")
    assert [step.action for step in steps] == ["start", "9"]
    assert left == ["wait", "hangup"]


async def test_waiting_takes_no_time() -> None:
    """The clock of a script moves by itself: the callee rings six seconds and talks for sixty."""
    _, steps, _ = await played("1 answer wait")
    cdr = steps[-1].exchanges[-1].request.body.decode()
    assert ['"dialtime": 6' in cdr, '"duration": 60' in cdr] == [True, True]


async def test_an_action_that_means_nothing_is_a_step_without_effect() -> None:
    """So that each action of a script has its line."""
    _, steps, _ = await played("answer 9")
    assert [(step.action, step.was_taken) for step in steps] == [("start", True), ("answer", False), ("9", True)]


async def test_json_has_one_object_for_each_step() -> None:
    """Fixed for other tools: `key`, `request`, `reply` and `ms`; a key without a request has null for both."""
    phone, steps, _ = await played("1 2 hangup")
    lines = [step_as_json(phone, step) for step in steps]
    assert [line["key"] for line in lines] == ["start", "1", "2", "hangup"]
    assert all({"key", "request", "reply", "ms"} <= line.keys() for line in lines)
    assert [line["request"] and line["request"]["kind"] for line in lines] == [
        "GET_IVR_ACTION",
        "GET_IVR_ACTION",
        None,
        "HANGUP_CALL",
    ]
    assert [report["request"]["kind"] for line in lines for report in line["reports"]] == ["CDR"]
    assert all({"request", "reply", "ms"} == report.keys() for line in lines for report in line["reports"])
    assert lines[0]["request"]["method"] == "POST"
    assert lines[0]["request"]["path"] == "/voicenter"
    assert json.loads(lines[0]["reply"]["body"])["ACTION"] == "MENU"
    assert lines[0]["reply"]["status"] == 200
    assert (lines[2]["reply"], lines[2]["ms"], lines[2]["taken"]) == (None, 0, False)
    assert json.dumps(lines)


async def test_json_has_the_question_before_the_reports_of_its_step() -> None:
    """A key whose reply ends the call: the question is the request, and both reports follow."""
    phone, steps, _ = await played("9")
    line = step_as_json(phone, steps[-1])
    assert (line["key"], line["request"]["kind"]) == ("9", "GET_IVR_ACTION")
    assert [report["request"]["kind"] for report in line["reports"]] == ["HANGUP_CALL", "CDR"]


async def test_json_names_the_faults_of_a_reply() -> None:
    """With the rule that each breaks."""
    phone, steps, _ = await played("", by_key({"": {"STATUS": 1}}))
    first = step_as_json(phone, steps[0])
    assert first["faults"] == ["STATUS is 1: an error, and the caller is not served (C-26)"]
    assert phone.has_faults


async def written(phone: PhoneSession, steps: list[Step]) -> list[str]:
    """The transcript of these steps."""
    lines: list[Text] = []
    transcript = Transcript(phone, 3.0, lines.append)
    transcript.opening()
    for step in steps:
        transcript.step(step)
    transcript.ending()
    return [line.plain for line in lines]


async def test_a_transcript_says_what_is_heard_in_which_language() -> None:
    """With LOOP and DELAY, the menu, and when the provider goes on by itself."""
    phone = session(caller_name="Dana")
    step = await phone.dial()
    assert step is not None
    lines = await written(phone, [step])
    assert lines[0].endswith("Voicenter, JSON, from 0540000000 (Dana) to 0730000000")
    assert "  hears   recording welcome, 3 times, 2 s apart, in Hebrew" in lines
    assert "  state   menu main; no key: continues in 18 s" in lines
    assert any(line.startswith("  reply   200 in ") and " of 3 s: STATUS 0, ACTION MENU" in line for line in lines)


async def test_a_transcript_names_faults() -> None:
    """A screen reader gets them as words, not as colours."""
    replies = {"": action("MENU", MENU), "5": action("MENU", {**MENU, "MENU": 5})}
    phone, steps, _ = await played("5", by_key(replies))
    lines = await written(phone, steps)
    assert "  fault   MENU is 5, not a string (chapter 5.1)" in lines
    assert lines[-1] == "the call has ended; faults of replies: 1"


async def test_a_transcript_says_that_a_key_had_no_effect() -> None:
    """And what the call does instead of listening."""
    phone = session()
    await phone.dial()
    await phone.do("1")
    step = await phone.do("2")
    assert step is not None
    assert "  note    2 has no effect now: dialing" in await written(phone, [step])


async def test_control_characters_of_a_reply_do_not_reach_the_terminal() -> None:
    """What a receiver replies may hold anything."""
    phone = session(by_key({"": action("MENU", {**MENU, "REC": "a\x1b[2Jb"})}))
    step = await phone.dial()
    assert step is not None
    assert not any("\x1b" in line for line in await written(phone, [step]))


async def test_a_late_reply_is_a_reply_that_is_missing() -> None:
    """The transcript says for how long it was waited."""

    async def silent(request: OutgoingRequest) -> HttpReply | None:
        return None if request.asks else as_json(ACKNOWLEDGED)

    phone, steps, _ = await played("", silent)
    lines = await written(phone, steps)
    assert any(line.startswith("  reply   no reply in 0.0 s") for line in lines)


def test_the_deadline_is_the_handlers_where_a_caller_waits() -> None:
    """Half a second less than the provider's patience where that is shorter; reports have none."""
    provider = order().provider
    found = [deadline_for(provider, kind, 3.0) for kind in ("GET_IVR_ACTION", "POPUP", "CDR", "unknown")]
    assert found == [3.0, 2.5, None, None]


def test_values_of_every_format_are_shown_alike() -> None:
    """XML-RPC, JSON, forms and queries as names with values; what is none of them as its text."""
    xml = b"<?xml version='1.0'?><methodCall><methodName>X</methodName><params><param><value><struct><member>"
    xml += b"<name>a</name><value><int>1</int></value></member></struct></value></param></params></methodCall>"
    requests = [
        OutgoingRequest("X", xml, (("Content-Type", "text/xml"),)),
        OutgoingRequest("X", b'{"a": 1}', (("Content-Type", "application/json"),)),
        OutgoingRequest("X", b"a=1", (("Content-Type", "application/x-www-form-urlencoded"),)),
        OutgoingRequest("X", b"", (), "GET", "/popup?a=1"),
    ]
    assert [one_line(values_of_request(request)) for request in requests] == ["a 1"] * 4
    assert values_of_request(OutgoingRequest("X", b"{nonsense")) == "{nonsense"
    assert values_of_reply(HttpReply(b"<html>no</html>", "text/html", 500)) == "<html>no</html>"
    assert list(pairs({"a": {"b": ""}, "c": [1]})) == [("b", '""'), ("c", "[1]")]


def test_times_are_said_as_people_say_them() -> None:
    """Seconds are rounded up, for they are what is left."""
    assert [seconds(number) for number in (0.2, 59.1, 60, 3599.5, 7200)] == [
        "1 s",
        "1 min 0 s",
        "1 min 0 s",
        "1 h 0 min",
        "2 h 0 min",
    ]
    assert [milliseconds(number) for number in (0.0042, 0.12, 3.014)] == ["4.2 ms", "120 ms", "3.01 s"]
