"""The path of an ask callback: answer it in time, then store it. A slow database never delays a caller."""

import asyncio
import logging
from time import perf_counter_ns
from typing import Any

from receiver.intake.journal_row import journal_row
from receiver.intake.responder import Answer, Cause, Responder
from receiver.intake.uncommitted import UncommittedRows
from receiver.intake.unparsed import log_unparsed
from receiver.metrics import Metrics
from receiver.providers.base.contract import CallbackRequest, Fault, HttpReply, Kind, ParsedRequest, Provider
from receiver.wire import Format
from storage import Appended, GroupCommit, NewCallback, StoreError
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

RESERVED_FOR_ANSWERS = 1_000
"""Places in the journal's queue that are reserved for answered questions, so that records cannot take them."""
CATCH_UP_SECONDS = 0.1
"""How long a reply waits for its row when the journal is far behind. Without it questions could be answered faster than
they can be stored. A caller hardly notices so short a time."""
COMMIT_SECONDS = 0.25
"""Seconds after the handler's deadline that a reply still waits for the commit of a changed state."""


class AskPath:
    """Answers ask callbacks, and stores each with its reply.

    `uncommitted` keeps the rows that wait for their commit, if any handler has `history=True`.
    """

    def __init__(
        self,
        responder: Responder,
        journal: GroupCommit[NewCallback, Appended],
        metrics: Metrics,
        uncommitted: UncommittedRows,
    ) -> None:
        self._responder = responder
        self._journal = journal
        self._metrics = metrics
        self._uncommitted = uncommitted
        self._outage = OutageLog(
            logger, "answered questions are not stored", "answered questions are stored again", quiet=5.0
        )

    async def answer(
        self, provider: Provider[Any], request: CallbackRequest, parsed: ParsedRequest, kind: Kind, began: int
    ) -> HttpReply:
        """The reply to a question; its row is in the journal's queue by then, or committed if it changes a state."""
        callback = parsed.callbacks[0]
        if callback.event is None:
            log_unparsed(provider, callback.kind, callback.reason)
            error = provider.fault_reply(callback.kind, callback.fault or Fault.PARSE, callback.reason)
            answer = Answer(error, "unparsed", callback.reason)
        else:
            answer = await self._responder.answer(provider, kind, callback.event, request.received_at)
        http_reply, answer = write_answer(provider, kind, answer, parsed.dialect)
        self._metrics.answered(provider.name, kind.name, (perf_counter_ns() - began) / 1e9)
        self._metrics.received(provider.name, kind.name, answer.outcome)
        if answer.cause:
            self._metrics.missed(provider.name, kind.name, answer.cause, answer.outcome)
        row = journal_row(
            provider,
            request,
            parsed,
            callback,
            http_reply,
            began,
            outcome=answer.outcome,
            reason=answer.reason,
            deduplicate=callback.event is None,
            answered_by=answer.handler,
            call_state=answer.call_state,
        )
        stored = self._submit(row)
        if row.call_state is not None:
            await self._wait_for_state(row, stored, self._responder.deadline(kind) + COMMIT_SECONDS, began)
        elif self._journal.is_far_behind:
            await asyncio.wait({stored}, timeout=CATCH_UP_SECONDS)
        return http_reply

    def _submit(self, row: NewCallback) -> asyncio.Future[bool]:
        """Submit the row; the future says whether it was stored."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        is_kept = self._responder.uses_history

        def on_result(results: list[Appended] | StoreError) -> None:
            if isinstance(results, StoreError):
                self._outage.failed(results)
            else:
                self._outage.succeeded()
            if is_kept:
                self._uncommitted.settle(row, None if isinstance(results, StoreError) else results[0])
            if not stored.done():
                stored.set_result(not isinstance(results, StoreError))

        if is_kept:
            self._uncommitted.add(row)
        try:
            self._journal.submit([row], on_result, beyond=RESERVED_FOR_ANSWERS)
        except StoreError as error:
            on_result(error)
        return stored

    async def _wait_for_state(self, row: NewCallback, stored: asyncio.Future[bool], seconds: float, began: int) -> None:
        """Wait for the commit of a changed state, because the next question may reach another receiver.

        The wait ends so many seconds after `began`; the reply is sent in any case.
        """
        left = seconds - (perf_counter_ns() - began) / 1e9
        done, _ = await asyncio.wait({stored}, timeout=max(0.0, left))
        if not (done and stored.result()):
            message = "the state of a call is not committed yet, and its reply goes out: %s may not see it elsewhere"
            logger.warning(message, row.answered_by, extra={"call_id": row.call_id})


def write_answer(provider: Provider[Any], kind: Kind, answer: Answer, dialect: Format) -> tuple[HttpReply, Answer]:
    """The bytes of an answer; the error reply instead if it cannot be written."""
    try:
        return provider.write(answer.reply, dialect), answer
    except Exception as error:
        logger.exception("a reply to %s could not be written", kind.name)
        reason = f"the reply could not be written: {error}"
        error_reply = provider.error_reply(kind.name)
        answer = Answer(error_reply, "failed", reason, Cause.UNWRITABLE, answer.handler)
        return provider.write(answer.reply, dialect), answer
