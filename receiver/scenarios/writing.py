"""Write scenarios as TOML, and make a scenario from a call that was played."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Table

from receiver.providers.base.record import CallRecord
from receiver.providers.base.simulation import CallSetup
from receiver.scenarios.model import ExpectedHandler, Scenario
from receiver.simulator import CALLEE_ACTIONS, Step, action_word

WORTH_EXPECTING = {
    "MENU",
    "TARGET",
    "REC",
    "DIGITS",
    "LAYER",
    "NEXT_LAYER",
    "HANGUP_REC",
    "RECORD",
    "URL",
    "CLIENTNAME",
}
"""The fields of a reply that a scenario compares: what the caller gets, not how."""


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
    title: str = "",
    records: Sequence[CallRecord] = (),
    handlers: Sequence[ExpectedHandler] = (),
) -> Scenario:
    """The scenario of a call that was played: its steps with their replies, and its results."""
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
            "step": _steps(steps),
            "record": [_record(record) for record in records],
            "handler": [handler.model_dump(exclude_defaults=True) for handler in handlers],
        }
    )


def _steps(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """A step for each question, with the keys before it; actions without effect are left out."""
    found: list[dict[str, Any]] = []
    keys = ""
    for step in steps:
        if not step.was_taken:
            continue
        expect = _expect(step)
        if step.action == "start":
            found.append({"expect": expect})
            continue
        if len(step.action) == 1:
            keys += step.action
            if expect:
                found.append({"press": keys, "expect": expect})
                keys = ""
            continue
        if keys:
            found.append({"press": keys})
            keys = ""
        found.append({**_action(step.action), "expect": expect})
    if keys:
        found.append({"press": keys})
    return [{name: value for name, value in row.items() if value or name != "expect"} for row in found]


def _action(action: str) -> dict[str, Any]:
    word = action_word(action)
    if word in CALLEE_ACTIONS:
        return {"callee": CALLEE_ACTIONS[word]}
    return {"hang_up": True} if word == "hangup" else {"wait": True}


def _expect(step: Step) -> dict[str, Any]:
    """The reply to the step's last question: the action, and the fields to compare."""
    instructions = [exchange.instruction for exchange in step.exchanges if exchange.request.asks]
    instruction = instructions[-1] if instructions else None
    if instruction is None:
        return {}
    fields = {name.lower(): value for name, value in instruction.fields.items() if name in WORTH_EXPECTING and value}
    return {"action": instruction.action, **fields}


def _record(record: CallRecord) -> dict[str, Any]:
    fields = {"outcome": record.outcome.value, "direction": record.direction.value, "to_number": record.to_number}
    return {name: value for name, value in fields.items() if value}
