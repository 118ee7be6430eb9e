"""Compare what happened with what a scenario expects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receiver.operations.comparison import difference
from receiver.providers.base.names import normalize_name
from receiver.providers.base.record import CallRecord
from receiver.scenarios.model import ExpectedHandler, ScenarioStep
from receiver.scenarios.tracebacks import author_frames
from receiver.simulator import Exchange, Step
from storage import Delivery, StoredCallback

_OF_THE_STEP = {"action", "language", "fault", "outcome", "state"}
"""What `expect` may contain besides fields of the reply."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference from what the scenario expects."""

    text: str
    lines: tuple[str, ...] = ()
    """The differing lines, or a traceback."""
    step: int | None = None
    """The step's index in the file, from 0; None for the whole call."""


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """A step of a scenario with its exchanges, and the state of the call after it."""

    number: int | None
    """The step's index in the file, from 0; None for the final hang-up, which the file does not contain."""
    expected: ScenarioStep
    played: tuple[Step, ...]
    state: str
    position: str

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges of the step."""
        return tuple(exchange for step in self.played for exchange in step.exchanges)

    @property
    def question(self) -> Exchange | None:
        """The last question of the step; None if none was asked."""
        return next((exchange for exchange in reversed(self.exchanges) if exchange.request.asks), None)


def check_step(step: PlayedStep) -> Iterable[Problem]:
    """Keys without effect, faults of the reply, and the reply that the step expects."""
    for played in step.played:
        if not played.was_taken:
            yield Problem(f"{played.action} had no effect: the call is {step.state}", step=step.number)
    wanted_fault = str(step.expected.expect.get("fault", ""))
    faults = [fault for exchange in step.exchanges for fault in exchange.faults]
    for fault in faults:
        if not wanted_fault or wanted_fault not in str(fault):
            yield Problem(f"the provider would not understand the reply: {fault}", step=step.number)
    if wanted_fault and not any(wanted_fault in str(fault) for fault in faults):
        yield Problem(f"the reply has no fault {wanted_fault}", step=step.number)
    yield from _check_reply(step)


def _check_reply(step: PlayedStep) -> Iterable[Problem]:
    expect = step.expected.expect
    state = expect.get("state")
    if state is not None and state != step.state:
        yield Problem(f"the call is {step.state}, not {state}", step=step.number)
    wanted = {name: value for name, value in expect.items() if name not in {"fault", "outcome", "state"}}
    if not wanted:
        return
    instruction = step.question.instruction if step.question else None
    if step.question is None:
        yield Problem(f"no question was asked: the call is {step.state}", step=step.number)
    elif instruction is None:
        yield Problem("the reply contains no action for the provider", step=step.number)
    else:
        got = {"action": instruction.action, "language": instruction.language, **instruction.fields}
        lines = subset_difference(wanted, got)
        if lines:
            yield Problem("the reply is another one", lines, step.number)


def subset_difference(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> tuple[str, ...]:
    """The differences in the expected fields, as lines of a diff; empty if there are none.

    Names are normalised (A-05), and 1 equals "1": TOML and the wire have different types.
    """
    found = {normalize_name(name): value for name, value in got.items()}
    there = {name: found.get(normalize_name(name)) for name in wanted}
    if all(_equal(value, there[name]) for name, value in wanted.items()):
        return ()
    shown = {name: wanted[name] if _equal(wanted[name], value) else value for name, value in there.items()}
    return difference(dict(wanted), shown, "expected", "got")


def _equal(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        return not subset_difference(wanted, got)
    if isinstance(wanted, Sequence) and not isinstance(wanted, str) and isinstance(got, Sequence):
        return len(wanted) == len(got) and all(map(_equal, wanted, got))
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got is not None and int(wanted) == int(got) if isinstance(got, int | bool) else wanted == got
    return wanted == got or (got is not None and str(wanted) == str(got))


def check_outcomes(steps: Sequence[PlayedStep], questions: Sequence[StoredCallback]) -> Iterable[Problem]:
    """Each question must be answered by a handler, unless its step expects another outcome."""
    asked = [(step, exchange) for step in steps for exchange in step.exchanges if exchange.request.asks]
    for (step, exchange), callback in zip(asked, questions, strict=False):
        is_last = exchange is step.question
        wanted = str(step.expected.expect.get("outcome", "answered")) if is_last else "answered"
        if callback.outcome != wanted:
            reason = f": {callback.reason}" if callback.reason else ""
            yield Problem(f"the question has the outcome {callback.outcome}, not {wanted}{reason}", step=step.number)


def check_records(expected: Sequence[Mapping[str, Any]], found: Sequence[CallRecord]) -> Iterable[Problem]:
    """Each expected record must match a record of its own."""
    left = [{**record.as_json(), "customer": record.customer} for record in found]
    for wanted in expected:
        matching = [record for record in left if not subset_difference(wanted, record)]
        if matching:
            left.remove(matching[0])
            continue
        fields = ", ".join(f"{name} = {value!r}" for name, value in wanted.items())
        closest = min(left, key=lambda record: len(subset_difference(wanted, record)), default=None)
        lines = subset_difference(wanted, closest) if closest is not None else ()
        yield Problem(f"no call record has {fields}; there are {len(found)}", lines)


def check_handlers(expected: Sequence[ExpectedHandler], deliveries: Sequence[Delivery]) -> Iterable[Problem]:
    """Each expected delivery must have its state; a dead delivery that is not expected is a problem as well."""
    by_name: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_name.setdefault(delivery.handler, []).append(delivery)
    for wanted in expected:
        found = by_name.get(wanted.name, [])
        if not any(_ended_so(delivery, wanted) for delivery in found):
            states = ", ".join(f"{one.state} after {one.attempts} attempt(s) {one.reason}".rstrip() for one in found)
            names = ", ".join(sorted(by_name)) or "none"
            what = states or f"it was not called; called were: {names}"
            attempts = "" if wanted.attempts is None else f" after {wanted.attempts} attempt(s)"
            yield Problem(f"{wanted.name} should be {wanted.state}{attempts}: {what}")
    named = {wanted.name for wanted in expected}
    for delivery in deliveries:
        if delivery.state == "dead" and delivery.handler not in named:
            lines = author_frames(delivery.failures[-1].traceback) if delivery.failures else ()
            yield Problem(f"{delivery.handler} failed: {delivery.reason}", lines)
        if delivery.finished_at is None:
            yield Problem(f"{delivery.handler} has not finished: its delivery is {delivery.state}")


def _ended_so(delivery: Delivery, wanted: ExpectedHandler) -> bool:
    return delivery.state == wanted.state and wanted.attempts in {None, delivery.attempts}
