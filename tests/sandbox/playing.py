"""A sandbox in process: plain HTTP without our clients, calls that take no time, and a receiver that only listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx

from receiver.providers.base.sandbox import PlacedCall
from receiver.sandbox import Sandbox, load_settings

ACKNOWLEDGED = '{"err": "0", "errdesc": "OK"}'
Answer = Callable[[httpx.Request], httpx.Response]


def acknowledge(_request: httpx.Request) -> httpx.Response:
    """What a receiver says to a report."""
    return httpx.Response(200, text=ACKNOWLEDGED, headers={"Content-Type": "application/json"})


@dataclass
class Playing:
    """A started sandbox, a client for its APIs, and what its receiver got."""

    client: httpx.AsyncClient
    sandbox: Sandbox
    received: list[httpx.Request]

    async def settle(self) -> list[PlacedCall]:
        """Wait until all calls are over."""
        assert await self.sandbox.exchange.idle(60)
        return self.sandbox.exchange.calls

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, while calls go on."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.002)

    def json(self) -> list[dict[str, Any]]:
        """What the receiver got, as JSON."""
        return [json.loads(request.content) for request in self.received]

    def forms(self) -> list[dict[str, str]]:
        """What the receiver got, as forms."""
        return [
            {name: values[-1] for name, values in parse_qs(request.content.decode()).items()}
            for request in self.received
        ]


@asynccontextmanager
async def playing(answer: Answer = acknowledge, **settings: Any) -> AsyncIterator[Playing]:
    """A sandbox with these settings. `answer` is what the receiver replies."""
    received: list[httpx.Request] = []

    def receive(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return answer(request)

    given = {"speed": 1_000_000, "receiver": "http://receiver", **settings}
    sandbox = Sandbox(load_settings(**given), httpx.MockTransport(receive))
    transport = httpx.ASGITransport(sandbox.app)
    async with (
        sandbox.app.router.lifespan_context(sandbox.app),
        httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client,
    ):
        yield Playing(client, sandbox, received)
