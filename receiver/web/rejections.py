"""Rejected requests: counted by reason, and the latest of them stored for `receiver refused`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus

from receiver.metrics import Metrics
from storage import StoreUnavailableError
from storage.outage_log import OutageLog
from storage.rejections import RejectedRequest

logger = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
"""Between two writes, so that unauthenticated senders cannot keep the database busy."""
MAX_DISTINCT = 100
"""Distinct rejections kept between two writes; further ones are only counted, by reason."""
LONGEST_PATH = 200
LARGEST_SIZE = 2**62
"""A sender may declare any length; the database stores 64 bits."""


class Rejection(Enum):
    """Why a request is rejected, with the HTTP status it gets."""

    PATH = ("no callback arrives at this path", 404)
    SECRET = ("a wrong secret in the path, or none", 404)
    ADDRESS = ("an address that is not on the list", 403)
    PASSWORD = ("no password, or a wrong one", 401)
    METHOD = ("a method that no callback has", 405)
    ENCODING = ("a Content-Encoding other than gzip and deflate", 415)
    LENGTH = ("a body that is too long", 413)
    RATE = ("too many requests from this address", 429)
    BUSY = ("too much to do at this moment", 503)
    HEAD = ("too many headers, or too long ones", 431)
    SLOW = ("a request that took too long to arrive", 408)
    MALFORMED = ("no HTTP", 400)
    QUERY = ("a GET request whose query is no callback", 200)
    SIGNATURE = ("a signature of the provider that is wrong or missing", 403)

    def __init__(self, reason: str, status: int) -> None:
        self.reason = reason
        self.status = status

    @property
    def text(self) -> str:
        """The body of the response. An unauthenticated sender learns no more than the status."""
        return HTTPStatus(self.status).phrase if self.status in {401, 403, 404} else f"refused: {self.reason}\n"


class RejectionLog:
    """The rejected requests of one receiver. `write` stores them."""

    def __init__(self, write: Callable[[Sequence[RejectedRequest]], Awaitable[None]], metrics: Metrics) -> None:
        self._write = write
        self._metrics = metrics
        self._latest: dict[tuple[Rejection, str, str], RejectedRequest] = {}
        self._task: asyncio.Task[None] | None = None
        self._outage = OutageLog(logger, "rejected requests cannot be stored", "rejected requests are stored again")

    def note(self, rejection: Rejection, address: str, path: str = "", size: int = 0) -> None:
        """Count a rejected request. `path` must not contain secrets; `size` is the body's in bytes, if known."""
        self._metrics.rejected(rejection.name.lower())
        key = (rejection, address, path[:LONGEST_PATH])
        if key not in self._latest and len(self._latest) >= MAX_DISTINCT:
            key = (rejection, "", "")
        before = self._latest.get(key)
        self._latest[key] = RejectedRequest(
            at=datetime.now(UTC),
            reason=rejection.reason,
            address=key[1],
            path=key[2],
            size=min(max(size, before.size if before else 0), LARGEST_SIZE),
            times=before.times + 1 if before else 1,
        )

    def start(self) -> None:
        """Start to store them."""
        self._task = asyncio.create_task(self._write_forever(), name="write-rejections")

    async def stop(self) -> None:
        """Store what is left, unless the database is unreachable."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write_latest()

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._write_latest()

    async def _write_latest(self) -> None:
        taken, self._latest = self._latest, {}
        try:
            if taken:
                await self._write(list(taken.values()))
                self._outage.succeeded()
        except StoreUnavailableError:  # keep them, together with those noted since
            for key, one in taken.items():
                since = self._latest.get(key)
                if since is not None:
                    self._latest[key] = replace(since, times=since.times + one.times)
                elif len(self._latest) < MAX_DISTINCT:
                    self._latest[key] = one
        except Exception as error:
            self._outage.failed(type(error).__name__, traceback=error)
