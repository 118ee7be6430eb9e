"""Test handlers without a server and without a database.

def test_main_menu_leads_to_sales() -> None:
    reply = answer(handlers, IvrRequest(menu="main", dtmf="1"))
    assert reply.target == "0540000000"
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from receiver.errors import HandlerError
from receiver.plugins.call_history import CallHistory, encode_state
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler, Handlers
from receiver.plugins.module_settings import resolve_filters
from receiver.plugins.runner import Runner
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord


def answer(
    handlers: Handlers,
    question: Event,
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    history: CallHistory | None = None,
    *,
    received_at: datetime | None = None,
) -> Any:
    """The reply of the first handler whose filters match. Raises HandlerError if there is none, else what it raises.

    `settings` and `http` become part of the handler's context. For a handler that sends requests, pass a client with
    `httpx.MockTransport`. `history` is `ctx.call` of a handler that asks for it, and has the state that it leaves.
    `received_at` is the time of the question, now by default.
    """
    for handler in handlers:
        if handler.answers and matches(handler, question, settings):
            known = CallHistory() if history is None else history
            reply = _run(handler, question, settings, http, known, received_at)
            encode_state(known)
            return reply
    raise HandlerError(f"no handler answers this {type(question).__name__}")


def deliver(
    handlers: Handlers,
    subject: Event | CallRecord,
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    history: CallHistory | None = None,
    *,
    received_at: datetime | None = None,
) -> list[str]:
    """Run every handler that listens to `subject` and return their names. Raises what a handler raises.

    `settings`, `http`, `history` and `received_at` are as for `answer`; each handler gets a copy of the state.
    """
    listeners = [handler for handler in handlers if not handler.answers and matches(handler, subject, settings)]
    for handler in listeners:
        known = CallHistory() if history is None else replace(history, state=deepcopy(history.state))
        _run(handler, subject, settings, http, known, received_at)
    return [handler.name for handler in listeners]


def matches(handler: Handler, subject: Event | CallRecord, settings: Mapping[str, Any] | None) -> bool:
    """Whether the handler's filters match, with these settings."""
    return isinstance(subject, handler.subject) and resolve_filters(handler, settings or {}).matches(subject)


def _run(
    handler: Handler,
    subject: Event | CallRecord,
    settings: Mapping[str, Any] | None,
    http: httpx.AsyncClient | None,
    history: CallHistory,
    received_at: datetime | None,
) -> Any:
    async def run() -> Any:
        runner = Runner(threads=1)
        known = history if handler.history else None
        at = received_at or datetime.now(UTC)
        async with client_of(http) as client:
            context = Context(delivery_id="test", received_at=at, settings=settings or {}, http=client, history=known)
            try:
                return await runner.run(handler, subject, context)
            finally:
                runner.close()

    return asyncio.run(run())


@asynccontextmanager
async def client_of(http: httpx.AsyncClient | None) -> AsyncIterator[httpx.AsyncClient]:
    """The given client, which stays open, or a new one."""
    if http is not None:
        yield http
        return
    async with httpx.AsyncClient() as own:
        yield own
