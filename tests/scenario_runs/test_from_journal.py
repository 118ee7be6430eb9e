"""Scenarios from stored calls: what was played and stored comes back as a scenario that passes."""

from pathlib import Path
from typing import Any

import pytest

from receiver.scenarios import ScenarioError, ScenarioRunner, load_scenario
from receiver.scenarios.from_journal import scenario_of_call
from receiver.scenarios.in_process import InProcessReceiver, in_process_receiver
from receiver.scenarios.model import Scenario
from receiver.scenarios.writing import scenario_text
from receiver.settings import Settings

SETTINGS = Settings(handlers=["handlers.demo"])


async def frozen(receiver: InProcessReceiver, call_id: str, **options: Any) -> Scenario:
    """The scenario of a stored call."""
    callbacks = receiver.callbacks(call_id=call_id)
    provider = receiver.components.providers[callbacks[0].provider]
    return await scenario_of_call(provider, callbacks, receiver.deliveries(call_id=call_id), **options)


async def passes(folder: Path, scenario: Scenario) -> list[str]:
    """What is wrong when the scenario's file is run."""
    path = folder / "frozen.toml"
    path.write_text(scenario_text(scenario), encoding="utf-8")
    async with ScenarioRunner(SETTINGS) as runner:
        result = await runner.run(load_scenario(path))
    return [problem.text for problem in result.problems]


CALLS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("ivr", {}, ["press 1", "callee no_answer"]),
    ("ivr", {}, ["press 1", "callee answered", "hang_up"]),
    ("ivr", {}, ["press 1", "callee busy"]),
    ("ivr", {}, ["press 1", "hang_up"]),
    ("ivr", {}, ["press 2", "press 9"]),
    ("ivr", {}, ["wait"]),
    ("ivr", {}, ["press 4", "hang_up"]),
    ("ivr", {}, ["press 3", "press 1", "press 2", "callee busy", "hang_up"]),
    ("ivr", {"format": "json"}, ["hang_up"]),
    ("layer", {"options": {"layer": "8"}}, ["press 1", "press 5", "callee answered", "hang_up"]),
    ("layer", {"options": {"layer": "8", "digits": "3"}}, ["press 12", "wait", "hang_up"]),
    ("popup", {"caller": "0722776772"}, []),
    ("record", {"options": {"type": "Queue", "status": "ABANDONE"}}, []),
    ("record", {"options": {"type": "Click2Call leg1"}}, []),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("play", "setup", "actions"), CALLS, ids=lambda value: str(value)[:40])
async def test_a_stored_call_becomes_a_scenario_that_passes(
    tmp_path: Path, play: str, setup: dict[str, Any], actions: list[str]
) -> None:
    """The scenario asks the stored questions, expects the stored replies, records and handlers, and passes."""
    with in_process_receiver(tmp_path, SETTINGS) as receiver:
        call = receiver.call(play, **setup)
        for action in actions:
            name, _, value = action.partition(" ")
            getattr(call, name)(*([value] if value else []))
        scenario = await frozen(receiver, call.simulated.call_id)
        asked = len([one for one in receiver.callbacks() if one.kind not in {"CDR", "HANGUP_CALL"}])
    assert await passes(tmp_path, scenario) == []
    expectations = [step for step in scenario.steps if step.expect]
    assert len(expectations) == asked
    handlers = {handler.name for handler in scenario.handlers_run}
    assert handlers == (set() if play == "popup" else {"handlers.demo.print_call"})


@pytest.mark.anyio
async def test_spokn_calls_become_scenarios_as_well(tmp_path: Path) -> None:
    """Both legs of an answered call, and the leg of one that was busy."""
    for outcomes in (["answered", "answered"], ["busy"]):
        folder = tmp_path / "-".join(outcomes)
        folder.mkdir()
        with in_process_receiver(folder, SETTINGS) as receiver:
            call = receiver.call(provider="spokn", caller="+18474255380", did="+919876543210")
            for outcome in outcomes:
                call.callee(outcome)
            call.hang_up()
            scenario = await frozen(receiver, call.simulated.call_id)
        assert await passes(folder, scenario) == []


@pytest.mark.anyio
async def test_a_masked_scenario_has_another_caller_and_still_passes(tmp_path: Path) -> None:
    """Nothing is left of the caller, also where a reply repeats the number; the firm's own numbers stay."""
    with in_process_receiver(tmp_path, SETTINGS) as receiver:
        call = receiver.call(did="0731111111", caller="0523574321", caller_name="Dana").press("2").press("1")
        scenario = await frozen(receiver, call.callee("busy").simulated.call_id, mask=True)
    text = scenario_text(scenario)
    assert not any(personal in text for personal in ("0523574321", "Dana", call.simulated.call_id))
    assert "0731111111" in text
    assert await passes(tmp_path, scenario) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "values", "personal"),
    [
        ("popup", {"phone": "0521112272", "did": "0731111111"}, ("0521112272", "972521112272", "John Doe")),
        (
            "cdr",
            {"ivruniqueid": "1", "caller": "0731111111", "target": "0541119999", "type": "Extension Outgoing"},
            ("0541119999",),
        ),
    ],
)
async def test_a_mask_covers_the_customer_wherever_the_number_is(
    tmp_path: Path, path: str, values: dict[str, str], personal: tuple[str, ...]
) -> None:
    """In the link of a pop-up, its contact's name, and as the called side of an outgoing call."""
    with in_process_receiver(tmp_path, SETTINGS) as receiver:
        receiver.post(f"/voicenter/{path}", json={"ivrid": "1", "status": "ANSWER", **values})
        text = scenario_text(await frozen(receiver, "1", mask=True))
    assert not [one for one in personal if one in text], text
    assert "0731111111" in text


@pytest.mark.anyio
async def test_a_mask_keeps_what_the_firm_dials(tmp_path: Path) -> None:
    """A caller may have the number that the menu rings; the scenario still passes."""
    with in_process_receiver(tmp_path, SETTINGS) as receiver:
        call = receiver.call(caller="0540000000").press("1").callee("busy")
        scenario = await frozen(receiver, call.simulated.call_id, mask=True)
    assert scenario.caller != "0540000000"
    assert [step.expect.get("target") for step in scenario.steps] == [None, "0540000000", None]


@pytest.mark.anyio
async def test_a_dialling_that_failed_before_a_message_was_left_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call's records say answered, for the message was recorded; the dialling was not."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "voicemail_flow.py").write_text(VOICEMAIL)
    settings = Settings(handlers=["voicemail_flow"])
    with in_process_receiver(tmp_path, settings) as receiver:
        call = receiver.call().callee("no_answer").hang_up()
        scenario = await frozen(receiver, call.simulated.call_id)
    assert [str(step) for step in scenario.steps] == ["the call begins", "callee no_answer", "hangup"]
    assert scenario.steps[1].expect["action"] == "SILENTRECORD"


VOICEMAIL = """
from receiver import Handlers
from receiver.flow import Flow

handlers = Handlers()
flow = Flow("voicemail", start="desk")
flow.dial("desk", "0540000000", otherwise="message")
flow.message("message", "after_the_tone")
flow.attach(handlers)
"""


@pytest.mark.anyio
async def test_a_question_without_a_good_answer_becomes_a_scenario_that_expects_that(tmp_path: Path) -> None:
    """The outcome and the fault are written where they are not the usual ones."""
    settings = Settings(handlers=["handlers.call_log"], handler_settings={"call_log": {"path": str(tmp_path / "x")}})
    with in_process_receiver(tmp_path, settings) as receiver:
        scenario = await frozen(receiver, receiver.call().simulated.call_id)
    assert scenario.steps[0].expect == {"fault": "C-26", "outcome": "failed"}


@pytest.mark.anyio
async def test_a_call_of_which_nothing_can_be_played_is_refused(tmp_path: Path) -> None:
    """The message says what is missing."""
    with in_process_receiver(tmp_path, SETTINGS) as receiver:
        receiver.post("/voicenter/cdr", content=b"{broken")
        provider = receiver.components.providers["voicenter"]
        with pytest.raises(ScenarioError, match="neither questions nor records"):
            await scenario_of_call(provider, receiver.callbacks(), [])
