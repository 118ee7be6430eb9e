"""The HTTP server of one process, at its start and its end."""

import socket
from typing import Any

import pytest
import uvicorn

from receiver.server import http_server
from receiver.web.http_protocol import RequestLimits, limited_protocol


async def _answer(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def _nothing() -> None:
    pass


async def test_a_server_that_stops_at_once_answers_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a caller would wait through restarts that follow each other quickly."""
    monkeypatch.setattr(http_server, "_settle_memory", lambda: None)
    protocol = limited_protocol(RequestLimits(5, 10_000, 10))
    config = uvicorn.Config(_answer, lifespan="off", http=protocol, ws="none", log_config=None)

    def stop() -> None:
        server.should_exit = True

    server = http_server.HttpServer(config, on_listening=stop, on_draining=_nothing)
    listening = socket.create_server(("127.0.0.1", 0))
    with socket.create_connection(listening.getsockname(), timeout=20) as waiting:
        waiting.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.serve(sockets=[listening])
        assert b"200 OK" in waiting.recv(1000)
