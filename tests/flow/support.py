"""A caller of a flow: asks it what the provider would ask, and follows what it answers."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from receiver import Context
from receiver.flow import Flow
from receiver.plugins.call_history import CallHistory, decode_state, encode_state
from receiver.providers.base.contract import Reply
from receiver.providers.voicenter import IvrRequest
from receiver.providers.voicenter.ivr_actions import IVR_ACTIONS

SUNDAY_NOON = datetime(2026, 3, 1, 10, tzinfo=UTC)
"""Noon in Jerusalem."""


def offline() -> httpx.AsyncClient:
    """A client that reaches nothing."""
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(404)), trust_env=False)


@dataclass
class Phone:
    """One call. `start`, `press` and `fail` ask the flow, and return its reply.

    Between two questions the state of the call is encoded and decoded as for the journal. Change `flow` to go
    on with another receiver, `history_is_complete` to lose the journal, and `now` to let time pass.
    """

    flow: Flow
    now: datetime = SUNDAY_NOON
    settings: dict[str, Any] = field(default_factory=dict)
    caller_id: str = "0541111111"
    state: dict[str, Any] = field(default_factory=dict)
    call_id: str = "call"
    history_is_complete: bool = True
    menu: str = "-1"
    """The menu that the provider is in."""
    previous: str = "-1"
    said: list[Reply] = field(default_factory=list)
    http: httpx.AsyncClient = field(default_factory=offline)

    def start(self) -> Any:
        """The call begins."""
        return self.ask("-1", "")

    def press(self, digits: str = "") -> Any:
        """Press something in the menu that the provider is in, or nothing."""
        return self.ask(self.menu, digits)

    def fail(self, digits: str = "") -> Any:
        """The call that was dialled fails; the provider collects digits in the next menu."""
        self.menu = self.said[-1].next_menu  # type: ignore[attr-defined]  # checked when it runs
        return self.ask(self.menu, digits)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def ask(self, menu: str, digits: str, at: str = "") -> Any:
        """One question, and its reply; the state is kept as the journal keeps it."""
        request = IvrRequest(
            menu=menu,
            previous_menu=self.previous,
            dtmf=digits,
            caller_id=self.caller_id,
            did="0730000000",
            ivr_unique_id=self.call_id,
        )
        kept = decode_state(encode_state(CallHistory(state=self.state))) if self.history_is_complete else {}
        history = CallHistory(state=kept, is_complete=self.history_is_complete)
        context = Context(history=history, received_at=self.now, settings=self.settings, http=self.http)
        reply = asyncio.run(self.flow.answer(request, context, at))
        assert isinstance(reply, IVR_ACTIONS)
        if self.history_is_complete:
            self.state = decode_state(encode_state(history))
        self.previous, self.menu = menu, getattr(reply, "menu", menu)
        self.said.append(reply)
        return reply

    @property
    def kept(self) -> dict[str, Any]:
        """The flow's state as it is stored."""
        found: dict[str, Any] = self.state[f"flow.{self.flow.name}"]
        return found
