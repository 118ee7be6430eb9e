"""The history of a call: its earlier callbacks and its state, for handlers."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from receiver.errors import HandlerError
from receiver.providers.base.contract import Provider
from receiver.providers.base.event import Event

MAX_STATE_BYTES = 64 * 1024
"""Largest state of a call, as JSON: each row that changes it contains the whole state."""
LOAD_SECONDS = 1.0
"""Seconds that loading a history may take: a caller waits."""


@dataclass(frozen=True, slots=True)
class CallStep:
    """One earlier callback of a call, with its reply."""

    at: datetime
    event: Event
    outcome: str
    """The outcome in the journal: answered, fallback, failed or accepted."""
    reply: Mapping[str, Any] = field(default_factory=dict)
    """The values of the reply, under their wire names."""


@dataclass(slots=True)
class CallHistory:
    """The earlier steps of one call, oldest first, and the state that its handlers keep.

    `state` contains JSON values. A handler's changes are stored with its reply; the next question of the call has them,
    on any receiver.
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
        """The history of the call at that moment, within so many seconds; without the journal if that takes longer.

        With `before`, a callback's number, only the callbacks before that one.
        """


def encode_state(history: CallHistory) -> bytes:
    """The state of a call as JSON. Raises HandlerError for values that JSON would change."""
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
    """The decoded state; empty if there is none, or if the stored bytes are damaged."""
    try:
        state = orjson.loads(stored) if stored else {}
    except orjson.JSONDecodeError:
        return {}
    return state if isinstance(state, dict) else {}
