"""What the receiver sees of a request that `receiver check --url` sent it.

The request carries a token from the journal; what was seen goes there too, and never back over the wire.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

import orjson

from storage import StoreError

logger = logging.getLogger(__name__)

HEADER = "x-receiver-check"
_AT_ONCE = 4
"""Strangers may send the header too; each one costs a look into the journal."""


class Sightings:
    """Writes down what was seen. `write` takes the token and the JSON text."""

    def __init__(self, write: Callable[[str, str], Awaitable[None]]) -> None:
        self._write = write
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, token: str, seen: Mapping[str, object]) -> None:
        """Write it down beside the request, unless too many are being written already."""
        if len(self._writing) >= _AT_ONCE or len(token) != 32:
            return
        task = asyncio.create_task(self._write_down(token, orjson.dumps(seen).decode()))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_down(self, token: str, seen: str) -> None:
        try:
            await self._write(token, seen)
        except StoreError as error:
            logger.warning("what `receiver check` asked for could not be written down: %s", error)
