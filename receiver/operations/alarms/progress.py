"""How an alarm goes from one state to the next: pure functions of states, problems and the time."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from receiver.operations.alarms.condition import Problem
from storage.alarms import AlarmState

EVERYTHING = "all"
"""The name that silences every alarm."""


class Message(StrEnum):
    """What is said of an alarm."""

    BEGIN = "begins"
    END = "has ended"


def with_problem(state: AlarmState, problem: Problem, now: datetime) -> AlarmState:
    """The state while something is wrong."""
    return replace(
        state, text=problem.text, began_at=state.began_at or now, seen_at=now, clear_since=None,
        ended_at=state.ended_at if state.is_active else None,
    )  # fmt: skip


def without_problem(state: AlarmState, now: datetime, ends_after: timedelta) -> AlarmState:
    """The state of an active alarm while nothing is wrong: it ends when that has lasted for `ends_after`."""
    clear_since = state.clear_since or now
    if now - clear_since < ends_after:
        return replace(state, clear_since=clear_since, seen_at=now)
    return replace(state, began_at=None, clear_since=None, ended_at=now)


def is_silenced(states: Mapping[str, AlarmState], name: str, now: datetime) -> bool:
    """Whether an alarm is silenced: by its own name, by the beginning of it such as its condition's, or with all."""
    parts = name.split(":")
    names = [EVERYTHING, *(":".join(parts[:count]) for count in range(1, len(parts) + 1))]
    return any(
        (until := state.silenced_until) is not None and until > now for one in names if (state := states.get(one))
    )


def due_message(state: AlarmState) -> Message | None:
    """What must be said of it, if it is not silenced."""
    if state.is_active == state.said:
        return None
    return Message.BEGIN if state.is_active else Message.END
