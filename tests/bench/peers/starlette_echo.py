"""Starlette alone: read the body, and reply with as many bytes as the receiver's acknowledgement."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

REPLY = b" " * int(os.environ["BENCH_REPLY_BYTES"])


async def echo(request: Request) -> Response:
    """Read the body, and reply."""
    await request.body()
    return Response(REPLY, media_type="text/xml")


app = Starlette(routes=[Route("/voicenter", echo, methods=["POST"])])
