"""An ASGI function without a framework: the minimal work of an ASGI server for a request."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

REPLY = b" " * int(os.environ["BENCH_REPLY_BYTES"])
HEADERS = [(b"content-type", b"text/xml"), (b"content-length", str(len(REPLY)).encode())]

Message = MutableMapping[str, Any]


async def app(
    _scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Read the body, and reply."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": REPLY})
