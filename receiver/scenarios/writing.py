"""Write scenarios as TOML, and make a scenario from a call that was played."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Table

from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import CallSetup
from receiver.scenarios.model import ExpectedHandler, Scenario
from receiver.simulator import CALLEE_ACTIONS, Step, action_word


def scenario_text(scenario: Scenario) -> str:
    """The scenario as a TOML file."""
    document = tomlkit.document()
    values = scenario.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    values |= {"did": scenario.did, "caller": scenario.caller}  # both numbers, also the defaults
    for name in _FIRST:
        if name in values:
            document.add(name, values.pop(name))
    tables = {name: values.pop(name, []) for name in _TABLES}
    for name, value in values.items():
        document.add(name, value)
    for name, rows in tables.items():
        if rows:
            document.add(name, tomlkit.aot())
        for row in rows:
            document[name].append(_table(row))
    return re.sub(r"(?<!\n)\n\[", "\n\n[", tomlkit.dumps(document))


_FIRST = ("title", "handlers", "provider", "play", "did", "caller", "caller_name", "call_id", "format")
_TABLES = ("step", "record", "handler", "http")


def _table(row: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for name, value in row.items():
        table.add(name, _inline(value) if isinstance(value, Mapping) else value)
    return table


def _inline(values: Mapping[str, Any]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def played_scenario(
    play: str,
    provider: str,
    setup: CallSetup,
    steps: Sequence[Step],
    *,
    compared_fields: AbstractSet[str],
    title: str = "",
    records: Sequence[CallRecord] = (),
    handlers: Sequence[ExpectedHandler] = (),
    outcomes: Sequence[str] = (),
) -> Scenario:
    """The scenario of a call that was played: its steps with their replies, and its results.

    `outcomes` are those of its questions in the journal, as far as they are known.
    """
    return Scenario.model_validate(
        {
            "title": title,
            "provider": provider,
            "play": play,
            "did": setup.did,
            "caller": setup.caller,
            "caller_name": setup.caller_name,
            "format": setup.format,
            "options": setup.options,
            "step": _steps(steps, compared_fields, outcomes),
            "record": [_record(record) for record in records],
            "handler": [handler.model_dump(exclude_defaults=True) for handler in handlers],
        }
    )


def _steps(steps: Sequence[Step], compared: AbstractSet[str], outcomes: Sequence[str]) -> list[dict[str, Any]]:
    """A step for each question, with the keys before it; actions without effect are left out."""
    found: list[dict[str, Any]] = []
    keys, left = "", list(outcomes)
    for step in steps:
        if not step.was_taken:
            continue
        expect = _expect(step, compared, left)
        if step.action == "start":
            found.append({"expect": expect})
        elif len(step.action) == 1:
            keys += step.action
            if expect:
                found.append({"press": keys, "expect": expect})
                keys = ""
        else:
            found += [{"press": keys}] if keys else []
            found.append({**_action(step.action), "expect": expect})
            keys = ""
    found += [{"press": keys}] if keys else []
    return [{name: value for name, value in row.items() if value or name != "expect"} for row in found]


def _action(action: str) -> dict[str, Any]:
    word = action_word(action)
    if word in CALLEE_ACTIONS:
        return {"callee": CALLEE_ACTIONS[word]}
    return {"hang_up": True} if word == "hangup" else {"wait": True}


def _expect(step: Step, compared: AbstractSet[str], outcomes: list[str]) -> dict[str, Any]:
    """The reply to the step's last question: the action and the fields to compare, or the fault, and the outcome."""
    questions = [exchange for exchange in step.exchanges if exchange.request.asks]
    if not questions:
        return {}
    outcome = [outcomes.pop(0) for _ in questions if outcomes][-1:]
    unusual = {"outcome": outcome[0]} if outcome and outcome[0] != "answered" else {}
    last = questions[-1]
    faults = {"fault": last.faults[0].rule or last.faults[0].text} if last.faults else {}
    if last.instruction is None:
        return faults | unusual
    fields = {name.lower(): value for name, value in last.instruction.fields.items() if name in compared and value}
    return {"action": last.instruction.action, **fields} | faults | unusual


def _record(record: CallRecord) -> dict[str, Any]:
    fields = {"outcome": record.outcome.value, "direction": record.direction.value, "to_number": record.to_number}
    return {name: value for name, value in fields.items() if value}
