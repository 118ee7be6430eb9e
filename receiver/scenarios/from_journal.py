"""Make a scenario from a call in the journal: the call is played again with the recorded replies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from receiver.errors import PayloadError
from receiver.intake.reread import reread
from receiver.providers.base.contract import HttpReply, Mode, Provider
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord, Outcome
from receiver.providers.base.simulation import CallSetup, CallState, OutgoingRequest, SimulatedCall
from receiver.scenarios.model import ExpectedHandler, Scenario, ScenarioError
from receiver.scenarios.writing import played_scenario
from receiver.simulator import CALLEE_ACTIONS, Player, Step, VirtualClock
from receiver.wire import Format
from storage import Delivery, StoredCallback

MAX_ACTIONS = 1_000
"""Actions between two recorded questions; with more, the call cannot be reconstructed."""
_ENDINGS = {
    Outcome.ANSWERED: "answer",
    Outcome.BUSY: "busy",
    Outcome.NO_ANSWER: "noanswer",
    Outcome.FAILED: "unavailable",
    Outcome.INVALID_NUMBER: "invalidnumber",
    Outcome.REJECTED: "reject",
}
"""The action of the dialled side, by the outcome of the call."""
_PLAYS = {"GET_IVR_ACTION": "ivr", "IVR_LAYER_INPUT": "layer", "POPUP": "popup"}


@dataclass
class _Recording:
    """The rows of a call in the journal."""

    provider: Provider[Any]
    questions: list[tuple[Event, StoredCallback]] = field(default_factory=list)
    records: list[CallRecord] = field(default_factory=list)


async def scenario_of_call(
    provider: Provider[Any],
    callbacks: Sequence[StoredCallback],
    deliveries: Sequence[Delivery],
    *,
    mask: bool = False,
) -> Scenario:
    """The scenario of a stored call; with `mask`, the caller's number is replaced.

    Raises ScenarioError if the journal lacks what the scenario needs.
    """
    recording = _recording_of(provider, callbacks)
    if recording.questions:
        scenario = await _scenario_of_questions(recording, deliveries)
    else:
        scenario = _scenario_of_records(recording, deliveries)
    return _masked(scenario) if mask else scenario


async def _scenario_of_questions(recording: _Recording, deliveries: Sequence[Delivery]) -> Scenario:
    play, call = _call_of(recording)
    steps = await _play(call, recording)
    return played_scenario(
        play,
        recording.provider.name,
        call.setup,
        steps,
        title=f"call {call.call_id}",
        records=recording.records,
        handlers=expected_handlers(deliveries),
    )


def _recording_of(provider: Provider[Any], callbacks: Sequence[StoredCallback]) -> _Recording:
    recording = _Recording(provider)
    for callback in callbacks:
        if callback.duplicate_of is not None:
            continue
        try:
            event = reread(provider, callback)
        except PayloadError:
            continue
        kind = provider.kind(callback.kind)
        if kind is not None and kind.mode is Mode.ASK:
            recording.questions.append((event, callback))
        elif (record := provider.record(event)) is not None:
            recording.records.append(record)
    return recording


def _call_of(recording: _Recording) -> tuple[str, SimulatedCall]:
    """A simulated call like the recorded one. Raises ScenarioError."""
    first, callback = recording.questions[0]
    play = _PLAYS.get(callback.kind, "")
    kinds = recording.provider.simulations()
    if play not in kinds:
        raise ScenarioError(f"a {callback.kind} cannot be played, so there is no scenario of it")
    options = {"layer": str(getattr(first, "layer_id", None) or 1)} if play == "layer" else {}
    if play == "layer":
        options["digits"] = str(max(1, *(len(getattr(event, "dtmf", "")) for event, _ in recording.questions)))
    format_ = Format(callback.format)
    setup = CallSetup(
        caller=str(getattr(first, "caller_id", "") or getattr(first, "phone", "")),
        did=str(getattr(first, "did", "")),
        caller_name=str(getattr(first, "caller_name", "")),
        format=format_ if format_ in kinds[play].formats else None,
        call_id=callback.call_id,
        options=options,
        now=lambda: callback.received_at,
    )
    return play, kinds[play](setup)


async def _play(call: SimulatedCall, recording: _Recording) -> list[Step]:
    """Reconstruct the caller's actions that lead to the recorded questions."""
    replies = deque(HttpReply(one.reply_body, one.reply_type, one.reply_status) for _, one in recording.questions)

    async def send(request: OutgoingRequest) -> HttpReply | None:
        return replies.popleft() if request.asks and replies else None

    player = Player(call, send, VirtualClock())
    await player.start()
    for event, _ in recording.questions:
        await _reach(player, len(recording.questions) - len(replies), event, recording)
    if not call.has_ended:
        await _end(player, recording)
    return player.steps


async def _reach(player: Player, asked: int, event: Event, recording: _Recording) -> None:
    """Act until the question of this event is asked, unless it was already."""
    position = next(number for number, (one, _) in enumerate(recording.questions) if one is event)
    keys = deque(getattr(event, "dtmf", ""))
    for _ in range(MAX_ACTIONS):
        if asked > position or player.call.has_ended:
            return
        state = player.call.state
        if state is CallState.DIALING:
            await player.do("noanswer" if not _answered_before(recording) else "answer")
        elif state is CallState.MENU and keys:
            if not (await player.do(keys.popleft())).was_taken:
                return
        else:
            await player.do("wait")
        asked = sum(exchange.request.asks for step in player.steps for exchange in step.exchanges)


def _answered_before(recording: _Recording) -> bool:
    """Whether a dialled call was answered although the IVR continued: only layers do that (E-16)."""
    return any(record.outcome is Outcome.ANSWERED for record in recording.records)


async def _end(player: Player, recording: _Recording) -> None:
    """The end of the call after its last question."""
    outcome = recording.records[-1].outcome if recording.records else Outcome.UNKNOWN
    if player.call.state is CallState.DIALING and outcome is not Outcome.CANCELLED:
        await player.do(_ENDINGS.get(outcome, "busy"))  # the call continued in an IVR after the dialling failed
    if not player.call.has_ended:
        await player.do("hangup")


def expected_handlers(deliveries: Sequence[Delivery]) -> list[ExpectedHandler]:
    """Each handler that had a delivery of the call, with the state of its last one."""
    found = {delivery.handler: delivery for delivery in deliveries if delivery.replay_id is None}
    return [
        ExpectedHandler(name=name, state=delivery.state.value)
        for name, delivery in found.items()
        if delivery.state.value in {"done", "dead", "dropped"}
    ]


def _scenario_of_records(recording: _Recording, deliveries: Sequence[Delivery]) -> Scenario:
    """A call without questions: its records alone. Raises ScenarioError."""
    if not recording.records:
        raise ScenarioError("the journal has neither questions nor records of this call, so there is nothing to play")
    kinds = recording.provider.simulations()
    first = recording.records[0]
    play = "record" if "record" in kinds else next(iter(kinds), "")
    type_, status = getattr(first.event, "type", ""), getattr(first.event, "status", "")
    options = {"type": str(type_), "status": str(status)} if play == "record" and type_ else {}
    steps = [{}, *([] if play == "record" else map(_leg_step, recording.records))]
    values = {
        "provider": recording.provider.name,
        "play": play,
        "caller": first.from_number,
        "did": getattr(first.event, "did", "") or first.to_number,
        "options": options,
        "step": steps,
        "record": [{"outcome": record.outcome.value} for record in recording.records],
        "handler": [handler.model_dump(exclude_defaults=True) for handler in expected_handlers(deliveries)],
    }
    return Scenario.model_validate(values)


def _leg_step(record: CallRecord) -> dict[str, Any]:
    """The end of a leg, as a step."""
    if record.outcome is Outcome.CANCELLED:
        return {"hang_up": True}
    return {"callee": CALLEE_ACTIONS[_ENDINGS.get(record.outcome, "unavailable")]}


MASKED_CALLER, MASKED_NAME = "0500000001", "Caller"


def _masked(scenario: Scenario) -> Scenario:
    """The scenario with another caller: the number is replaced everywhere, also in what is expected.

    The firm's own numbers are kept, because handlers filter by them and dial them.
    """
    values = scenario.model_dump(by_alias=True, mode="json")

    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: change(item) for name, item in value.items()}
        if isinstance(value, list):
            return [change(item) for item in value]
        return MASKED_CALLER if value == scenario.caller else value

    masked = Scenario.model_validate(change(values))
    name = "" if masked.caller_name in {"", MASKED_CALLER} else MASKED_NAME
    return masked.model_copy(update={"title": "", "caller_name": name, "call_id": ""})
