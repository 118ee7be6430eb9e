"""Trying handlers without a server and without a database.

def test_main_menu_leads_to_sales() -> None:
    reply = answer(handlers, IvrRequest(menu="main", dtmf="1"))
    assert reply.target == "0540000000"
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from receiver.errors import HandlerError
from receiver.plugins.context import Context
from receiver.plugins.handlers import Handler, Handlers
from receiver.plugins.running import Runner
from receiver.providers.event import Event
from receiver.providers.records import CallRecord


def answer(handlers: Handlers, question: Event, settings: Mapping[str, Any] | None = None) -> Any:
    """The reply of the first handler whose filters match. Raises HandlerError if none does, or what it raises."""
    for handler in handlers:
        if handler.answers and isinstance(question, handler.subject) and handler.matches(question):
            return _run(handler, question, settings)
    raise HandlerError(f"no handler answers this {type(question).__name__}")


def deliver(handlers: Handlers, subject: Event | CallRecord, settings: Mapping[str, Any] | None = None) -> list[str]:
    """Tell every handler that listens to `subject`; the names of those told. Raises what a handler raises."""
    told = [
        handler
        for handler in handlers
        if not handler.answers and isinstance(subject, handler.subject) and handler.matches(subject)
    ]
    for handler in told:
        _run(handler, subject, settings)
    return [handler.name for handler in told]


def _run(handler: Handler, subject: Event | CallRecord, settings: Mapping[str, Any] | None) -> Any:
    async def run() -> Any:
        runner = Runner(threads=1)
        context = Context(delivery_id="test", settings=settings or {})
        try:
            return await runner.run(handler, subject, context)
        finally:
            runner.close()
            await context.http.aclose()

    return asyncio.run(run())
