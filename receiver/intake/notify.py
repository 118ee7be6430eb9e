"""The path of a notify callback: store it, then acknowledge it. Its deliveries are stored in the same transaction."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from receiver.intake.journal_row import journal_row
from receiver.intake.unparsed import log_unparsed
from receiver.metrics import Metrics
from receiver.plugins.registry import Registry
from receiver.providers.base.contract import (
    CallbackRequest,
    Fault,
    HttpReply,
    ParsedCallback,
    ParsedRequest,
    Provider,
)
from receiver.providers.base.subjects import Subjects
from storage import Appended, GroupCommit, LeaseRequest, NewCallback, StoreError
from storage.outage_log import OutageLog

logger = logging.getLogger(__name__)

LARGE_BODY_BYTES = 128 * 1024
"""Larger bodies take some 20 ms to parse, longer than callers should wait for the event loop."""
NOT_STORED = "the callback could not be stored; send it again"
NOT_STORED_REPLY = HttpReply(NOT_STORED.encode(), "text/plain; charset=utf-8", 503)
"""The reply where none in the provider's dialect can be written."""


class DeliveryStarter(Protocol):
    """Starts deliveries as soon as they are stored; `receiver.delivery.fast_start` explains the protocol."""

    def reserve(self, handlers: Sequence[str], total: int) -> LeaseRequest | None:
        """Reserve places for deliveries to these handlers, of `total` in all; None if none may start at once."""

    def begin(self, new: NewCallback, stored: Appended | None, subjects: Subjects | None) -> None:
        """Start the deliveries that were leased, or return the places where nothing was stored."""


class NotifyPath:
    """Stores notify callbacks and acknowledges them."""

    def __init__(
        self,
        registry: Registry,
        journal: GroupCommit[NewCallback, Appended],
        metrics: Metrics,
        starter: DeliveryStarter | None = None,
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._metrics = metrics
        self._starter = starter
        self._outage = OutageLog(
            logger,
            "callbacks are refused with 503, because they cannot be stored",
            "callbacks are stored again",
            quiet=5.0,
        )

    def store(
        self,
        provider: Provider[Any],
        request: CallbackRequest,
        parsed: ParsedRequest,
        began: int,
        replied: asyncio.Future[HttpReply],
    ) -> None:
        """Submit the callbacks of a request to the journal. `replied` gets its result when they are on disk.

        The result is the provider's error with HTTP 503 when they cannot be stored.
        """
        http_reply = _reply(provider, parsed)
        rows, subjects = [], []
        for part, callback in enumerate(parsed.callbacks):
            handed = Subjects(provider, callback.require_event) if callback.is_readable else None
            subjects.append(handed)
            rows.append(
                journal_row(
                    provider,
                    request,
                    parsed,
                    callback,
                    http_reply,
                    began,
                    outcome="accepted" if callback.is_readable else "unparsed",
                    reason=callback.reason,
                    deduplicate=True,
                    part=part,
                    deliveries=self._handlers_of(provider, callback, handed),
                )
            )
        self._reserve(rows, is_small=len(request.body) <= LARGE_BODY_BYTES)
        on_result = partial(self._on_stored, provider, parsed, rows, subjects, http_reply, replied)
        try:
            self._journal.submit(rows, on_result)
        except StoreError as error:
            on_result(error)

    def _handlers_of(
        self, provider: Provider[Any], callback: ParsedCallback, subjects: Subjects | None
    ) -> tuple[str, ...]:
        kind = provider.kind(callback.kind)
        if kind is None or subjects is None:
            return ()
        names = self._registry.unconditional(kind)
        return names if names is not None else tuple(one.name for one in self._registry.listeners(subjects))

    def _reserve(self, rows: Sequence[NewCallback], *, is_small: bool) -> None:
        """Reserve places for deliveries that may start at once; large callbacks wait on disk, not in memory."""
        for row in rows:
            if self._starter is not None and row.deliveries:
                row.lease = self._starter.reserve(row.deliveries if is_small else (), len(row.deliveries))

    def _on_stored(
        self,
        provider: Provider[Any],
        parsed: ParsedRequest,
        rows: Sequence[NewCallback],
        subjects: Sequence[Subjects | None],
        http_reply: HttpReply,
        replied: asyncio.Future[HttpReply],
        results: list[Appended] | StoreError,
    ) -> None:
        """The commit has ended: start the deliveries, and reply if the sender still waits."""
        reply = NOT_STORED_REPLY if isinstance(results, StoreError) else http_reply
        try:
            if isinstance(results, StoreError):
                self._begin(rows, subjects, [None] * len(rows))
                reply = self._not_stored(provider, parsed, results)
            else:
                self._begin(rows, subjects, results)
                self._outage.succeeded()
                for row, result in zip(rows, results, strict=True):
                    if row.outcome == "unparsed":
                        log_unparsed(provider, row.kind, row.reason, result)
                    is_repeat = result.duplicate_of and row.outcome == "accepted"
                    self._metrics.received(provider.name, row.kind, "duplicate" if is_repeat else row.outcome)
        except Exception:
            logger.exception("starting the deliveries of a stored callback of %s failed", provider.name)
        if not replied.done():
            replied.set_result(reply)

    def _begin(
        self,
        rows: Sequence[NewCallback],
        subjects: Sequence[Subjects | None],
        results: Sequence[Appended | None],
    ) -> None:
        for row, handed, result in zip(rows, subjects, results, strict=True):
            if self._starter is not None and row.deliveries:
                self._starter.begin(row, result, handed)

    def _not_stored(self, provider: Provider[Any], parsed: ParsedRequest, error: StoreError) -> HttpReply:
        self._outage.failed(error)
        self._metrics.not_stored(provider.name)
        reply = provider.fault_reply(parsed.callbacks[0].kind, Fault.APPLICATION, NOT_STORED)
        return replace(provider.write(reply, parsed.dialect), status=503)


def _reply(provider: Provider[Any], parsed: ParsedRequest) -> HttpReply:
    """The acknowledgement, or the error reply if any callback of the request has a fault."""
    for callback in parsed.callbacks:
        if callback.fault is not None:
            return provider.write(provider.fault_reply(callback.kind, callback.fault, callback.reason), parsed.dialect)
    return provider.acknowledge(parsed.callbacks[0].kind, parsed.dialect)
