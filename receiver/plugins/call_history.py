"""The history of a call: what a handler can know of its earlier callbacks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.providers.base.event import Event


@dataclass(frozen=True, slots=True)
class CallStep:
    """One earlier callback of a call, and how it was answered."""

    at: datetime
    event: Event
    outcome: str
    """The journal's word: answered, fallback, failed or accepted."""
    reply: Mapping[str, Any] = field(default_factory=dict)
    """The values of the reply, under their wire names."""


@dataclass(slots=True)
class CallHistory:
    """The earlier steps of one call, oldest first, and the state that its handlers keep.

    `state` holds JSON values. What a handler changes in it is stored with its reply, and the next question of the call
    finds it, whichever receiver answers.
    """

    steps: tuple[CallStep, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    is_complete: bool = True
    """False if the journal could not be read in time: the answer matters more than the history."""
