"""The context of a handler: ids, settings and an HTTP client."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from receiver.errors import HandlerError
from receiver.plugins.call_history import CallHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The second argument of a handler, if it takes one."""

    provider: str = ""
    callback_id: int | None = None
    """The callback's id in the journal; None for questions, because they are stored after their reply."""
    delivery_id: str | None = None
    """An idempotency key: the same for every attempt of one delivery. None for questions."""
    attempt: int = 1
    """1 for the first attempt."""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Your module's settings: the table `[handler_settings.NAME]`."""
    http: httpx.AsyncClient = field(default_factory=httpx.AsyncClient, repr=False)
    """A client shared by all handlers."""
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("receiver.handlers"), repr=False)
    history: CallHistory | None = field(default=None, repr=False)
    """The value of `call`; None for a handler without `history=True`."""

    @property
    def call(self) -> CallHistory:
        """The earlier steps of the call and its state. Raises HandlerError for a handler without `history=True`."""
        if self.history is None:
            raise HandlerError("ctx.call is only loaded where the decorator says so: write history=True in it")
        return self.history
