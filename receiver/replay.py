"""What replaying means for one stored callback: its deliveries anew, its bytes again, or its answer compared."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from receiver.answering import Answering, write_answer
from receiver.errors import PayloadError, WireError
from receiver.plugins.loading import Registry
from receiver.providers.contract import Mode, Provider
from receiver.reading import read_again
from receiver.wire import Format, jsonbody, xmlrpc
from receiver.wire.text import decode
from storage import StoredCallback, retention

TIMEOUT_SECONDS = 10.0


def deliveries_of(
    providers: Mapping[str, Provider[Any]], registry: Registry, callback: StoredCallback, only: str = ""
) -> list[tuple[str, str]]:
    """The handlers that would be told of a callback today, each with the key of its call.

    None for a question, and none for a repeat: its original is told of.
    """
    provider = providers.get(callback.provider)
    if provider is None or callback.duplicate_of is not None:
        return []
    try:
        event = read_again(provider, callback)
    except PayloadError:
        return []
    record = provider.record(event) if registry.wants_records else None
    key = f"{provider.name}:{event.call_id}" if event.call_id else ""
    names = [handler.name for handler in registry.listeners(event, record)]
    wanted = registry.named(only) if only else None
    return [(name, key) for name in names if wanted is None or name == wanted.name]


class Posted(StrEnum):
    """How a callback that was posted again was answered."""

    SAME = "answered as before"
    DIFFERENT = "answered differently"
    FAILED = "failed"
    SKIPPED = "skipped"
    """A further part of a request that was posted with its first part, or a callback whose bytes are gone."""


def post_again(callback: StoredCallback, base: str) -> tuple[Posted, str]:
    """Send the exact stored bytes to the same path below `base`; how it was answered, and what was said if not so."""
    if callback.part or retention.BLANKED in callback.notes:
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
    """A question that today's handlers answer differently, as lines of a unified difference."""

    callback: StoredCallback
    lines: tuple[str, ...]


async def compare(
    providers: Mapping[str, Provider[Any]], answering: Answering, callback: StoredCallback
) -> Difference | bool:
    """Answer a stored question with today's handlers: its difference, True if there is none, False if it is none."""
    provider = providers.get(callback.provider)
    kind = provider.kind(callback.kind) if provider else None
    if provider is None or kind is None or kind.mode is not Mode.ASK:
        return False
    try:
        event = read_again(provider, callback)
    except PayloadError:
        return False
    answer = await answering.answer(provider, kind, event, callback.received_at)
    reply, _ = write_answer(provider, kind, answer, Format(callback.format))
    before, now = _pretty(callback.reply_body), _pretty(reply.body)
    if before == now:
        return True
    return Difference(callback, tuple(difflib.unified_diff(before, now, "recorded", "today", lineterm="", n=2)))


def reply_values(body: bytes) -> Any:
    """The values in a reply, whatever its format, for comparing; the text itself where it is neither."""
    text = decode(body).text
    try:
        if text.lstrip().startswith("<"):
            response = xmlrpc.read_response(text)
            return {"fault": response.fault_code} if response.fault_code is not None else response.value
        return jsonbody.read(text)[0]
    except WireError:
        return text


def _pretty(body: bytes) -> list[str]:
    return json.dumps(reply_values(body), indent=2, ensure_ascii=False, sort_keys=True, default=str).splitlines()
