"""Probes: what the receiver sees of the requests of `receiver check --url`.

A probe carries a token from the journal. What was seen is stored there too, and never goes back over the wire.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import orjson

from storage import StoreError

logger = logging.getLogger(__name__)

HEADER = "x-receiver-check"
MAX_AT_ONCE = 4
"""Strangers may send the header too; each one costs a look into the journal."""


class ProbeReporter:
    """Stores what was seen. `write` takes the token and the JSON text."""

    def __init__(self, write: Callable[[str, str], Awaitable[None]]) -> None:
        self._write = write
        self._writing: set[asyncio.Task[None]] = set()

    def report(self, token: str, seen: Mapping[str, object]) -> None:
        """Store it while the request goes on, unless too many are being stored already."""
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
