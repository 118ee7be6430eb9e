"""The history of a call: what a handler can know of its earlier callbacks."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from receiver.errors import HandlerError
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event

MAX_STATE_BYTES = 64 * 1024
"""Longest state of a call, as JSON: each row that changes it holds all of it."""
LOAD_SECONDS = 1.0
"""How long loading a history may take: a caller waits."""


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


class LoadHistory(Protocol):
    """Loads the history of a call; never raises."""

    def __call__(
        self,
        provider: Provider[Any],
        call_id: str,
        at: datetime,
        *,
        before: int | None = None,
        seconds: float = LOAD_SECONDS,
    ) -> Awaitable[CallHistory]:
        """What was known of the call at that moment, within so many seconds; else what is known without the journal.

        With `before`, a callback's number, only what the journal had before that callback.
        """


def encode_state(history: CallHistory) -> bytes:
    """The state of a call as JSON. Raises HandlerError for what would not come back from the journal as it was."""
    try:
        encoded = orjson.dumps(history.state, option=orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError as error:
        raise HandlerError(f"ctx.call.state takes JSON values alone: {error}") from error
    if not isinstance(history.state, dict):
        raise HandlerError(f"ctx.call.state is a dict, not {type(history.state).__name__}")
    if len(encoded) > MAX_STATE_BYTES:
        raise HandlerError(f"ctx.call.state is {len(encoded)} bytes of JSON; {MAX_STATE_BYTES} are the most")
    return encoded


def decode_state(stored: bytes | None) -> dict[str, Any]:
    """The state that was encoded so; empty where there is none, and where the stored bytes are damaged."""
    try:
        state = orjson.loads(stored) if stored else {}
    except orjson.JSONDecodeError:
        return {}
    return state if isinstance(state, dict) else {}
