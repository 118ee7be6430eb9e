"""Probes: requests that `receiver check --url` sends to see how they reach the receiver.

A probe carries a token from the journal. Its result is stored in the journal, and never sent over the network.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import orjson

from storage import StoreError

logger = logging.getLogger(__name__)

HEADER = "x-receiver-check"
MAX_AT_ONCE = 4
"""Unauthenticated senders may send the header too, and each request with it costs a database write."""


class ProbeReporter:
    """Stores the results of probes. `write` takes the token and the result as JSON text."""

    def __init__(self, write: Callable[[str, str], Awaitable[None]]) -> None:
        self._write = write
        self._writing: set[asyncio.Task[None]] = set()

    def report(self, token: str, seen: Mapping[str, object]) -> None:
        """Store a result in the background, unless too many are being stored already."""
        if len(self._writing) >= MAX_AT_ONCE or len(token) != 32:
            return
        task = asyncio.create_task(self._store(token, orjson.dumps(seen).decode()))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _store(self, token: str, seen: str) -> None:
        try:
            await self._write(token, seen)
        except StoreError as error:
            logger.warning("the result of a probe could not be stored: %s", error)
