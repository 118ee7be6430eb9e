"""Redelivery of one stored callback: to handlers, to a URL, or to the handlers of a question, to compare replies."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from receiver.errors import PayloadError
from receiver.intake.ask import write_answer
from receiver.intake.reread import reread, reread_callback
from receiver.intake.responder import Responder
from receiver.operations.comparison import difference
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import Mode, Provider
from receiver.providers.base.subjects import Subjects
from receiver.wire import Format
from receiver.wire.reply_values import reply_values
from storage import StoredCallback, retention
from storage.values import NewDelivery, call_key

TIMEOUT_SECONDS = 10.0


def planned_deliveries(
    providers: Mapping[str, Provider[Any]], registry: Registry, callback: StoredCallback, only: str = ""
) -> list[NewDelivery]:
    """The deliveries that a stored callback would get today; with `only`, a handler's name, just those to it.

    None for a question, and none for a repeat: its original has them.
    """
    provider = providers.get(callback.provider)
    if provider is None or callback.duplicate_of is not None:
        return []
    try:
        parsed = reread_callback(provider, callback)
    except PayloadError:
        return []
    handlers = registry.listeners(Subjects(provider, parsed.require_event))
    wanted = registry.named(only) if only else None
    key = call_key(provider.name, parsed.call_id)
    return [NewDelivery(callback.id, one.name, key) for one in handlers if wanted is None or one.name == wanted.name]


class Posted(StrEnum):
    """The result of posting a callback again."""

    SAME = "answered as before"
    DIFFERENT = "answered differently"
    FAILED = "failed"
    SKIPPED = "skipped"
    """A further part of a request that was posted with its first part, a callback whose bytes were blanked, or a record
    of a provider that sends no callbacks.
    """


def post_again(callback: StoredCallback, base: str) -> tuple[Posted, str]:
    """Post the exact stored bytes to the same path below `base`; the result, and the reply's text if it differs."""
    if callback.part or retention.BLANKED in callback.notes or not callback.path:
        return Posted.SKIPPED, ""
    kept = {name: value for name, value in callback.headers if name.lower() == "content-type"}
    query = f"?{callback.query.decode('latin-1')}" if callback.query else ""
    try:
        reply = httpx.request(
            callback.method,
            f"{base.rstrip('/')}{callback.path}{query}",
            headers=kept,
            content=callback.body,
            timeout=TIMEOUT_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Posted.FAILED, str(error) or type(error).__name__
    same = reply.status_code == callback.reply_status and reply_values(reply.content) == reply_values(
        callback.reply_body
    )
    return (Posted.SAME, "") if same else (Posted.DIFFERENT, f"{reply.status_code} {reply.text[:200]}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that today's handlers answer differently, as lines of a unified diff."""

    callback: StoredCallback
    lines: tuple[str, ...]


async def compare(
    providers: Mapping[str, Provider[Any]], answering: Responder, callback: StoredCallback
) -> Difference | bool:
    """Answer a stored question with today's handlers: the difference, True if none, False if it is not a question.

    A handler that asks for the call's history finds what the journal had before this callback. Nothing is stored.
    """
    provider = providers.get(callback.provider)
    kind = provider.kind(callback.kind) if provider else None
    if provider is None or kind is None or kind.mode is not Mode.ASK:
        return False
    try:
        event = reread(provider, callback)
    except PayloadError:
        return False
    answer = await answering.answer(provider, kind, event, callback.received_at, before=callback.id)
    reply, _ = write_answer(provider, kind, answer, Format(callback.format))
    lines = difference(reply_values(callback.reply_body), reply_values(reply.body), "recorded", "today")
    return Difference(callback, lines) if lines else True
