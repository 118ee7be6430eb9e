"""Readiness: whether callbacks that arrive now would be stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from receiver.web.forwarded import Network, is_in
from storage.failover import StoreState

_FRESH_SECONDS = 1.0
"""How long a check of the database is good for: probes of several load balancers cost one transaction."""

Check = Callable[[], Awaitable[StoreState]]


class Readiness:
    """Answers /readyz: 200 if callbacks can be stored, in the journal or the spool; 503 if not, or while it drains.

    Senders in the networks of `details_for` get JSON with the reason, others one word.
    """

    def __init__(self, address_of: Callable[[Scope], str], details_for: Sequence[Network]) -> None:
        self._address_of = address_of
        self._details_for = tuple(details_for)
        self._check: Check | None = None
        self._is_draining = False
        self._checking = asyncio.Lock()
        self._seen: tuple[float, StoreState] | None = None

    def open(self, check: Check) -> None:
        """The store is open; `check` tells its state."""
        self._check = check

    def drain(self) -> None:
        """The receiver will stop soon: it is not ready from now on."""
        self._is_draining = True

    async def respond(self, request: Request) -> Response:
        """The response to /readyz."""
        store = await self._store()
        word = self._word(store)
        status = 200 if word == "ready" else 503
        if not is_in(self._address_of(request.scope), self._details_for):
            return PlainTextResponse(f"{word}\n", status)
        details = {
            "status": word,
            "journal": None if store is None else "reachable" if store.journal else "unreachable",
            "spooled": None if store is None else store.spooled,
        }
        return Response(orjson.dumps(details) + b"\n", status, media_type="application/json")

    def _word(self, store: StoreState | None) -> str:
        if self._is_draining:
            return "draining"
        if store is None:
            return "starting"
        return "ready" if store.can_store else "unavailable"

    async def _store(self) -> StoreState | None:
        if self._check is None:
            return None
        async with self._checking:
            now = asyncio.get_running_loop().time()
            if self._seen is None or now - self._seen[0] > _FRESH_SECONDS:
                self._seen = now, await self._check()
            return self._seen[1]
