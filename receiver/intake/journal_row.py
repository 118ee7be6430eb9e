"""The row of a callback in the journal."""

from time import perf_counter_ns
from typing import Any

from receiver.providers.base.contract import CallbackRequest, HttpReply, ParsedCallback, ParsedRequest, Provider
from storage import NewCallback
from storage.values import call_key


def journal_row(
    provider: Provider[Any],
    request: CallbackRequest,
    parsed: ParsedRequest,
    callback: ParsedCallback,
    reply: HttpReply,
    began: int,
    *,
    outcome: str,
    reason: str,
    deduplicate: bool,
    part: int = 0,
    deliveries: tuple[str, ...] = (),
    answered_by: str | None = None,
    call_state: bytes | None = None,
) -> NewCallback:
    """The row of one callback of a request; `began` is when its last byte had arrived, by `perf_counter_ns`.

    `answered_by` is the handler of a question; `call_state` is the state of the call where that handler changed it.
    """
    return NewCallback(
        provider=provider.name,
        received_at=request.received_at,
        kind=callback.kind,
        call_id=callback.call_id,
        outcome=outcome,
        reason=reason,
        notes=request.notes + parsed.notes if request.notes else parsed.notes,
        content_hash=callback.content_hash,
        deduplicate=deduplicate,
        format=parsed.dialect.value,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=request.headers,
        peer=request.peer,
        body=request.body if part == 0 else b"",
        part=part,
        reply_status=reply.status,
        reply_type=reply.content_type,
        reply_body=reply.body,
        took_us=(perf_counter_ns() - began) // 1000,
        deliveries=deliveries,
        answered_by=answered_by,
        call_state=call_state,
        call_key=call_key(provider.name, callback.call_id),
    )
