"""A provider on a real socket: it gives the replies it is told to give, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn


@dataclass(frozen=True, slots=True)
class Scripted:
    """One reply; `before` is awaited first, `pieces` come in place of `body`."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    before: Callable[[], Awaitable[Any]] | None = None
    pieces: Sequence[bytes | Callable[[], Awaitable[Any]]] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeProvider:
    """The last reply is given again and again."""

    replies: list[Scripted] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(
            Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body),
        )
        reply = self.replies[0] if len(self.replies) == 1 else self.replies.pop(0)
        if reply.before is not None:
            await reply.before()
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        for piece in reply.pieces:
            if isinstance(piece, bytes):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            else:
                await piece()
        await send({"type": "http.response.body", "body": reply.body})


@asynccontextmanager
async def providing(*replies: Scripted) -> AsyncIterator[FakeProvider]:
    """A provider that listens on this machine inside the block."""
    provider = FakeProvider(list(replies))
    config = uvicorn.Config(provider, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    provider.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.should_exit = server.force_exit = True
        await serving
