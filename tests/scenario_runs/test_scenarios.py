"""Scenarios: read from files, run against handlers in this process, and reported."""

import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from receiver.providers.base.discovery import discover
from receiver.scenarios import ScenarioError, ScenarioResult, ScenarioRunner, find_scenarios, load_scenario
from receiver.scenarios.junit import write_junit
from receiver.scenarios.report import problem_lines
from receiver.settings import Settings

MODULE = '''
"""A menu, a call, a record that is posted, and handlers that fail or never end."""

import asyncio

from receiver import CallRecord, Context, Drop, Handlers, RetryLater
from receiver.providers.voicenter import Call, Hangup, IvrRequest, LayerInput, GoToLayer, Menu

handlers = Handlers()


@handlers.answer(IvrRequest)
def menu(step: IvrRequest) -> Menu | Call | Hangup:
    match step.menu, step.dtmf:
        case "-1", _:
            return Menu(menu="main", rec="welcome", size=1)
        case "main", "1":
            return Call(target="0540000000", max_dial=30, max_duration=3600)
        case "main", "8":
            raise RuntimeError("the menu is broken")
    return Hangup(rec="goodbye")


@handlers.answer(LayerInput)
def layer(step: LayerInput) -> GoToLayer:
    return GoToLayer(layer=22)


@handlers.on(CallRecord, name="post", outcome="answered", attempts=4)
async def post(record: CallRecord, ctx: Context) -> None:
    answer = await ctx.http.post("https://crm.example.com/calls", json=record.as_json())
    if answer.status_code >= 500:
        raise RetryLater("the CRM is down", after=3600)


@handlers.on(CallRecord, name="hang", outcome="no_answer")
async def hang(record: CallRecord) -> None:
    await asyncio.Event().wait()


@handlers.on(CallRecord, name="drop", outcome="busy")
def drop(record: CallRecord) -> None:
    raise Drop("not wanted")


@handlers.on(CallRecord, name="fail", outcome="cancelled", attempts=2)
def fail(record: CallRecord) -> None:
    raise ValueError("no such customer")
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a handler module."""
    (tmp_path / "scenario_handlers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that never ends need not be waited for."""
    monkeypatch.setattr("receiver.scenarios.runner.SETTLE_SECONDS", 1.0)


async def outcome(folder: Path, text: str, **settings: Any) -> ScenarioResult:
    """The result of a scenario with this text."""
    path = folder / "scenario.toml"
    path.write_text(textwrap.dedent(text))
    async with ScenarioRunner(Settings(**{"handlers": ["scenario_handlers"], **settings})) as runner:
        return (await runner.run_all([load_scenario(path)]))[0]


def wrong(result: ScenarioResult) -> list[str]:
    """What is wrong, in words."""
    return [problem.text for problem in result.problems]


WHOLE_CALL = """
    title = "Key 1 rings an agent, who answers"

    [[step]]
    expect = { action = "MENU", menu = "main", rec = "welcome" }

    [[step]]
    press = "1"
    expect = { ACTION = "CALL", target = "0540000000", call_max = 3600, state = "dialing" }

    [[step]]
    callee = "answered"

    [[record]]
    outcome = "answered"
    to_number = "0540000000"

    [[handler]]
    name = "post"
    attempts = 3

    [[http]]
    url = "https://crm.example.com/"
    method = "post"
    statuses = [500, 503, 200]
"""


@pytest.mark.anyio
async def test_a_whole_call_passes(folder: Path) -> None:
    """Replies, records, and a handler that posts, fails twice and is retried without waiting for an hour."""
    assert wrong(await outcome(folder, WHOLE_CALL)) == []


@pytest.mark.anyio
async def test_the_settings_access_control_does_not_keep_scenarios_out(folder: Path) -> None:
    """A scenario runs with the receiver's own settings; no network is used, so nothing has to be proven."""
    result = await outcome(
        folder, WHOLE_CALL, secrets=["12345678"], passwords=["user:password"], allow_from=["203.0.113.7"]
    )
    assert result.has_passed


@pytest.mark.anyio
async def test_another_reply_is_shown_as_a_difference_at_the_line_of_its_step(folder: Path) -> None:
    """Only the fields that the scenario names are compared."""
    result = await outcome(folder, WHOLE_CALL.replace('target = "0540000000"', 'target = "0540000009"'))
    [problem] = [problem for problem in result.problems if problem.step == 1]
    assert problem.text == "the reply is another one"
    assert '-  "target": "0540000009"' in problem.lines
    assert '+  "target": "0540000000"' in problem.lines
    assert next(problem_lines(result.loaded, problem)).startswith(f"{folder}/scenario.toml:7: step 2, press 1:")


START = """
    [[step]]
    expect = { action = "MENU" }
"""


@pytest.mark.usefixtures("impatient")
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ('[[step]]\npress = "12"', "2 had no effect: the call is dialing"),
        ('[[step]]\npress = "1"\n[[step]]\nwait = true\nexpect = { action = "MENU" }', "no question was asked"),
        (
            '[[step]]\npress = "8"',
            "the question has the outcome failed, not answered: RuntimeError: the menu is broken",
        ),
        ('[[step]]\npress = "1"\n[[step]]\ncallee = "busy"\n[[record]]\noutcome = "answered"', "no call record has"),
        ('[[step]]\nhang_up = true\n[[handler]]\nname = "post"', "post should be done: it was not called"),
        ('[[step]]\npress = "1"\n[[step]]\nhang_up = true', "fail failed: ValueError: no such customer"),
        ('[[step]]\npress = "9"\nexpect = { state = "menu" }', "the call is ended, not menu"),
        ('[[step]]\npress = "9"\nexpect = { fault = "C-13" }', "the reply has no fault C-13"),
        ('[[step]]\npress = "1"\n[[step]]\ncallee = "answered"', "has no [[http]] for POST https://crm.example.com"),
        ('[[step]]\npress = "1"\n[[step]]\ncallee = "no_answer"', "hang has not finished: its delivery is running"),
        ('[[step]]\npress = "9"\n[[http]]\nurl = "https://x/"\nrequests = 1', "https://x/ got 0 request(s), not 1"),
    ],
)
async def test_each_expectation_can_fail(folder: Path, rest: str, text: str) -> None:
    """The problem says what came instead."""
    result = await outcome(folder, textwrap.dedent(START) + rest)
    assert any(text in one for one in wrong(result)), wrong(result)


@pytest.mark.anyio
async def test_a_failed_answer_has_its_traceback(folder: Path) -> None:
    """The author sees the line of the handler."""
    result = await outcome(folder, textwrap.dedent(START) + '[[step]]\npress = "8"')
    lines = [line for problem in result.problems for line in problem.lines]
    assert any("scenario_handlers.py" in line for line in lines)
    assert not any("receiver/" in line for line in lines)
    assert lines[-1] == "RuntimeError: the menu is broken"


@pytest.mark.anyio
async def test_a_handler_that_fails_for_each_record_is_one_problem(folder: Path) -> None:
    """A call has two records, HANGUP_CALL and CDR; the same error twice says no more than once."""
    result = await outcome(folder, textwrap.dedent(START) + '[[step]]\npress = "1"\n[[step]]\nhang_up = true')
    assert wrong(result) == ["fail failed: ValueError: no such customer"]


@pytest.mark.anyio
async def test_a_fallback_may_be_expected(folder: Path) -> None:
    """`outcome` is the outcome of the question in the journal."""
    rest = '[[step]]\npress = "8"\nexpect = { action = "HANGUP", outcome = "fallback" }'
    fallback = {"kind": "GET_IVR_ACTION", "action": "HANGUP"}
    result = await outcome(folder, textwrap.dedent(START) + rest, providers={"voicenter": {"fallbacks": [fallback]}})
    assert wrong(result) == []


@pytest.mark.anyio
async def test_handlers_may_be_dropped_or_dead(folder: Path) -> None:
    """The state that is expected is the delivery's."""
    dropped = '[[step]]\npress = "1"\n[[step]]\ncallee = "busy"\n[[handler]]\nname = "drop"\nstate = "dropped"'
    assert wrong(await outcome(folder, textwrap.dedent(START) + dropped)) == []
    dead = '[[step]]\npress = "1"\n[[step]]\nhang_up = true\n[[handler]]\nname = "fail"\nstate = "dead"\nattempts = 2'
    assert wrong(await outcome(folder, textwrap.dedent(START) + dead)) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text",
    [
        'play = "layer"\noptions = { layer = "8" }\n[[step]]\n[[step]]\npress = "1"\nexpect = { layer = 22 }',
        'play = "record"\noptions = { type = "Queue", status = "FULL" }\n[[step]]\n[[record]]\noutcome = "abandoned"',
        'provider = "spokn"\ncaller = "+18474255380"\n[[step]]\n[[step]]\ncallee = "busy"\n[[record]]\nleg = 1',
    ],
)
async def test_every_kind_of_call_can_be_a_scenario(folder: Path, text: str) -> None:
    """Layers, calls that only leave records, and another provider's."""
    result = await outcome(folder, text)
    assert [one for one in wrong(result) if "drop" not in one] == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('play = "dance"\n[[step]]', "has no call 'dance'; it has ivr, layer, popup, record"),
        ('provider = "acme"\n[[step]]', f"there is no provider 'acme'; there are {', '.join(discover())}"),
        ('options = { colour = "red" }\n[[step]]', "'colour' is not an option"),
    ],
)
async def test_what_cannot_be_played_fails_with_what_can(folder: Path, text: str, problem: str) -> None:
    """The scenario fails, the others continue."""
    assert any(problem in one for one in wrong(await outcome(folder, text)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[step]", "this is not valid TOML"),
        ("", "step"),
        ('[[step]]\n[[step]]\nexpect = { action = "MENU" }', "only the first step may leave out press"),
        ('[[step]]\npress = "1"\nwait = true', "a step does one thing"),
        ('[[step]]\npress = "A"', "is no key"),
        ('colour = "red"\n[[step]]', "colour: there is no such key; docs/scenarios.md lists them all"),
        ("[[step]]\n[[record]]\nbeauty = 1", "a call record has no field 'beauty'; it has"),
        ('[[step]]\ncallee = "asleep"', "callee"),
    ],
)
def test_a_broken_file_is_refused_with_its_name_and_what_to_write(tmp_path: Path, text: str, problem: str) -> None:
    """Errors name the file."""
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=r"broken\.toml") as caught:
        load_scenario(path)
    assert problem in str(caught.value)


def test_scenarios_are_found_in_folders_once(tmp_path: Path) -> None:
    """A folder stands for all files below it; a place that is not there is an error."""
    (tmp_path / "deep").mkdir()
    for name in ("b.toml", "deep/a.toml", "notes.txt", "receiver.toml"):
        (tmp_path / name).touch()
    assert find_scenarios([tmp_path, tmp_path / "b.toml"]) == [tmp_path / "b.toml", tmp_path / "deep" / "a.toml"]
    with pytest.raises(ScenarioError, match="there is no such file"):
        find_scenarios([tmp_path / "gone"])


@pytest.mark.anyio
async def test_results_are_written_as_junit_xml(folder: Path) -> None:
    """One test case for each scenario, with the problems of a failed one."""
    good = await outcome(folder, WHOLE_CALL)
    bad = await outcome(folder, textwrap.dedent(START) + '[[step]]\npress = "9"\nexpect = { action = "CALL" }')
    write_junit([good, bad], folder / "junit.xml")
    suite = ET.parse(folder / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [len(case) for case in suite] == [0, 1]
    assert "the reply is another one" in str(suite[1][0].text)


@pytest.mark.anyio
async def test_many_scenarios_share_receivers_and_keep_apart(folder: Path) -> None:
    """Fifty calls at the same time, each with its own id: no call affects another."""
    text = '[[step]]\nexpect = { menu = "main" }\n[[step]]\npress = "9"\nexpect = { action = "HANGUP" }'
    path = folder / "many.toml"
    path.write_text(text)
    loaded = load_scenario(path)
    async with ScenarioRunner(Settings(handlers=["scenario_handlers"])) as runner:
        results = await runner.run_all([loaded] * 50)
    assert [wrong(result) for result in results] == [[]] * 50
