"""Trying handlers without a server and without a database.

def test_main_menu_leads_to_sales() -> None:
    reply = answer(handlers, IvrRequest(menu="main", dtmf="1"))
    assert reply.target == "0540000000"
"""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import httpx

from receiver.errors import HandlerError
from receiver.plugins.call_history import CallHistory, encode_state
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler, Handlers
from receiver.plugins.runner import Runner
from receiver.providers.base.event import Event
from receiver.providers.base.record import CallRecord


def answer(
    handlers: Handlers,
    question: Event,
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    history: CallHistory | None = None,
) -> Any:
    """The reply of the first handler whose filters match. Raises HandlerError if none does, or what it raises.

    `settings` and `http` are what the handler finds in its context; give a client with `httpx.MockTransport` to one
    that calls out. `history` is its `ctx.call` if it asks for one, and has the state that it leaves.
    """
    for handler in handlers:
        if handler.answers and isinstance(question, handler.subject) and handler.matches(question):
            known = CallHistory() if history is None else history
            reply = _run(handler, question, settings, http, known)
            encode_state(known)
            return reply
    raise HandlerError(f"no handler answers this {type(question).__name__}")


def deliver(
    handlers: Handlers,
    subject: Event | CallRecord,
    settings: Mapping[str, Any] | None = None,
    http: httpx.AsyncClient | None = None,
    history: CallHistory | None = None,
) -> list[str]:
    """Tell every handler that listens to `subject`; the names of those told. Raises what a handler raises.

    `settings`, `http` and `history` are as for `answer`; each handler gets a copy of the state.
    """
    told = [
        handler
        for handler in handlers
        if not handler.answers and isinstance(subject, handler.subject) and handler.matches(subject)
    ]
    for handler in told:
        known = CallHistory() if history is None else replace(history, state=deepcopy(history.state))
        _run(handler, subject, settings, http, known)
    return [handler.name for handler in told]


def _run(
    handler: Handler,
    subject: Event | CallRecord,
    settings: Mapping[str, Any] | None,
    http: httpx.AsyncClient | None,
    history: CallHistory,
) -> Any:
    async def run() -> Any:
        runner = Runner(threads=1)
        async with http or httpx.AsyncClient() as client:
            known = history if handler.history else None
            context = Context(delivery_id="test", settings=settings or {}, http=client, history=known)
            try:
                return await runner.run(handler, subject, context)
            finally:
                runner.close()

    return asyncio.run(run())
