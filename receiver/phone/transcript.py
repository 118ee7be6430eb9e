"""A call as lines: for people, for screen readers, and as JSON for programs."""

from collections.abc import Callable
from typing import Any

from rich.text import Text

from receiver.intake.responder import deadline_of
from receiver.phone.journal_reader import CallTrace, trace_lines
from receiver.phone.session import PhoneSession
from receiver.phone.values import as_text, pairs, printable, values_of_reply, values_of_request
from receiver.phone.words import format_of, goes_on, hears, possible, state_of, took, who, why_no_effect
from receiver.providers.base.contract import Mode, Provider
from receiver.simulator import Exchange, Step

STYLES = {"good": "green", "bad": "bold red", "waiting": "yellow", "detail": "dim", "name": "cyan", "title": "bold"}
"""What lines are shown in; the words alone must say the same."""


class Transcript:
    """Writes a call as lines, each with a word first that says what it is. `deadline` is the setting."""

    def __init__(self, session: PhoneSession, deadline: float, write: Callable[[Text], None]) -> None:
        self._session = session
        self._deadline = deadline
        self._write = write

    def opening(self) -> None:
        """Which call it is."""
        call, order = self._session.call, self._session.order
        self._line(f"{call.title}, {order.provider.title}, {format_of(call)}, {who(call)}", "title")
        self._line(f"call id {call.call_id}", "detail")

    def step(self, step: Step) -> None:
        """An action with all that came of it."""
        call = self._session.call
        self._line("")
        self._line(step.action, "title")
        if words := why_no_effect(step, call):
            self._line(f"  note    {words}", "waiting")
        for exchange in step.exchanges:
            self._exchange(exchange)
        for sound in hears(call):
            self._line(f"  hears   {sound}")
        by_itself = goes_on(self._session)
        self._line(f"  state   {state_of(call)}" + (f"; {by_itself}" if by_itself else ""))
        if self._session.problem:
            self._line(f"  problem {self._session.problem}", "bad")

    def choices(self) -> None:
        """What can be done now."""
        words = ", ".join(action for action, _ in possible(self._session.call))
        self._line(f"  can do  {words or 'call (again), save, quit'}; help", "detail")

    def journal(self, trace: CallTrace, problem: str) -> None:
        """What the journal has of the call."""
        self._line("")
        self._line("journal", "title")
        for text, kind in trace_lines(trace):
            self._line(f"  {text}", kind)
        if not trace.callbacks:
            self._line(f"  {problem or 'has nothing of this call: it is the journal of another receiver'}", "detail")

    def ending(self) -> None:
        """How the call went."""
        faults = len(self._session.call.faults)
        self._line("")
        if self._session.has_faults:
            self._line(f"the call has ended; faults of replies: {faults}", "bad")
        else:
            self._line("the call has ended as the provider would have it", "good")

    def note(self, text: str, kind: str = "") -> None:
        """A line beside the call."""
        self._line(text, kind)

    def _exchange(self, exchange: Exchange) -> None:
        request = exchange.request
        self._line(f"  sent    {request.kind}: {one_line(values_of_request(request))}")
        words = took(exchange, deadline_for(self._session.order.provider, request.kind, self._deadline))
        held = f": {one_line(values_of_reply(exchange.reply))}" if exchange.reply is not None else ""
        self._line(f"  reply   {words}{held}")
        for fault in exchange.faults:
            self._line(f"  fault   {fault}", "bad")

    def _line(self, text: str, kind: str = "") -> None:
        self._write(Text(printable(text), style=STYLES.get(kind, "")))


def deadline_for(provider: Provider[Any], kind: str, deadline: float) -> float | None:
    """Seconds that a handler has for the reply to a kind, else those that the provider waits; None if neither is known.

    `deadline` is the setting of that name.
    """
    known = provider.kind(kind)
    if known is not None and known.mode is Mode.ASK:
        return deadline_of(known, deadline)
    return known.patience if known is not None else None


def one_line(values: Any) -> str:
    """Names and values on one line: "MENU main, SIZE 1"."""
    return ", ".join(f"{name} {value}".strip() for name, value in pairs(values))


def step_as_json(session: PhoneSession, step: Step) -> dict[str, Any]:
    """A step as one JSON object, whatever it sent.

    `request`, `reply` and `ms` are those of its question, or of its first request if it asked nothing; null and 0 where
    nothing was sent. `reports` has the same of each further request.
    """
    call = session.call
    main = next((exchange for exchange in step.exchanges if exchange.request.asks), next(iter(step.exchanges), None))
    return {
        "key": step.action,
        **_exchange_values(session, main),
        "reports": [_exchange_values(session, one) for one in step.exchanges if one is not main],
        "state": call.state.value,
        "position": call.position,
        "hears": hears(call),
        "taken": step.was_taken,
        "faults": [str(fault) for exchange in step.exchanges for fault in exchange.faults],
    }


def _exchange_values(session: PhoneSession, exchange: Exchange | None) -> dict[str, Any]:
    if exchange is None:
        return {"request": None, "reply": None, "ms": 0}
    request, reply = exchange.request, exchange.reply
    return {
        "request": {
            "kind": request.kind,
            "method": request.method,
            "path": session.order.provider.path + request.target,
            "body": as_text(request.body),
        },
        "reply": None if reply is None else {"status": reply.status, "body": as_text(reply.body)},
        "ms": round(exchange.seconds * 1000, 1),
    }
