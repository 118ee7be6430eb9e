"""The routes beside the callbacks: liveness, readiness and metrics."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from receiver.metrics import Metrics
from receiver.web.readiness import Readiness

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

OWN_PATHS = frozenset(("/health", "/healthz", "/readyz", "/metrics"))
"""Paths that no provider may have."""


def build_site(*, readiness: Readiness, metrics: Metrics | None, lifespan: Lifespan) -> Starlette:
    """Starlette with the receiver's own routes: whether it lives and is ready, and `/metrics` where metrics are given.

    `/health` is an older name of `/healthz`.
    """
    routes = [
        Route("/health", _health, methods=["GET"]),
        Route("/healthz", _health, methods=["GET"]),
        Route("/readyz", readiness.respond, methods=["GET"]),
    ]
    if metrics is not None:

        def show(_request: Request) -> Response:
            return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

        routes.append(Route("/metrics", show, methods=["GET"]))
    return Starlette(routes=routes, lifespan=lifespan)


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
