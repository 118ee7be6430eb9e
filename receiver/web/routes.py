"""The Starlette routes: one path a provider endpoint, and health."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from receiver.intake import Intake
from receiver.providers.contract import CallbackRequest, Endpoint, Provider

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build(
    providers: Mapping[str, Provider[Any]], intake: Intake, *, max_body_bytes: int, lifespan: Lifespan
) -> Starlette:
    """The ASGI app. Paths work with and without a slash at the end: a redirect would lose a POST (A-27)."""
    routes = [
        route
        for provider in providers.values()
        for endpoint in provider.endpoints
        for route in _routes(provider, endpoint, intake, max_body_bytes)
    ]
    app = Starlette(routes=[*routes, Route("/health", _health, methods=["GET"])], lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


def url_path(provider: Provider[Any], endpoint: Endpoint) -> str:
    """Where an endpoint's callbacks arrive."""
    return f"{provider.path}/{endpoint.path}".rstrip("/")


def _routes(provider: Provider[Any], endpoint: Endpoint, intake: Intake, max_body_bytes: int) -> Iterable[Route]:
    path = url_path(provider, endpoint)
    methods = ["GET", "POST", "OPTIONS"] if endpoint.cors else ["GET", "POST"]
    for spelled in (path, f"{path}/"):
        yield Route(
            spelled,
            _Callback(provider, endpoint, intake),
            methods=methods,
            max_body_size=max_body_bytes,
            middleware=_cors(provider) if endpoint.cors else None,
        )


def _cors(provider: Provider[Any]) -> list[Middleware]:
    """Cross-origin headers where an origin is configured (F-06)."""
    origins = list(getattr(provider.options, "popup_origins", ()))
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"])] if origins else []


class _Callback:
    """The ASGI endpoint of one provider's path."""

    def __init__(self, provider: Provider[Any], endpoint: Endpoint, intake: Intake) -> None:
        self._provider = provider
        self._endpoint = endpoint
        self._intake = intake

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})
        if request.method in {"GET", "HEAD"} and not (self._endpoint.on_get and request.url.query):
            return PlainTextResponse(f"The receiver is ready for {self._provider.title}'s callbacks.\n")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return PlainTextResponse("Send the body without a Content-Encoding.\n", status_code=415)
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        reply = await self._intake.receive(self._provider, self._callback(request, body))
        return Response(reply.body, reply.status, media_type=None, headers={"content-type": reply.content_type})

    def _callback(self, request: Request, body: bytes) -> CallbackRequest:
        return CallbackRequest(
            endpoint=self._endpoint,
            method=request.method,
            path=request.url.path,
            query=request.scope["query_string"],
            headers=tuple(request.headers.items()),
            body=body,
            peer=request.client.host if request.client else "",
        )


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
