"""The Starlette routes: one path a provider endpoint, and health."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from receiver.intake import Intake
from receiver.metrics import Metrics
from receiver.providers.contract import CallbackRequest, Endpoint, Provider
from receiver.web.trust import Network, Refusal, Trust, peer_address

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class Door:
    """What stands between the routes and the intake: who may come in, and whether the intake is there yet."""

    def __init__(
        self,
        trust: Mapping[str, Trust],
        *,
        proxies: Sequence[Network] = (),
        forwarded_header: str = "x-forwarded-for",
        metrics: Metrics | None = None,
    ) -> None:
        self.trust = trust
        self.metrics = metrics
        self._proxies = tuple(proxies)
        self._forwarded_header = forwarded_header
        self._intake: Intake | None = None

    def open(self, intake: Intake) -> None:
        """From now on callbacks go to this intake."""
        self._intake = intake

    @property
    def intake(self) -> Intake:
        """The intake. Only asked for while the app's lifespan runs."""
        if self._intake is None:
            raise RuntimeError("the app has not been started: its lifespan must run before requests come")
        return self._intake

    def address_of(self, request: Request) -> str:
        """Where a request comes from, as far as it can be believed."""
        direct = request.client.host if request.client else ""
        return peer_address(direct, request.headers, self._forwarded_header, self._proxies)


def build(providers: Mapping[str, Provider[Any]], door: Door, *, max_body_bytes: int, lifespan: Lifespan) -> Starlette:
    """The ASGI app. Paths work with and without a slash at the end: a redirect would lose a POST (A-27)."""
    routes = [
        route
        for provider in providers.values()
        for endpoint in provider.endpoints
        for route in _routes(provider, endpoint, door, max_body_bytes)
    ]
    routes.append(Route("/health", _health, methods=["GET"]))
    if door.metrics is not None:
        routes.append(Route("/metrics", _metrics(door.metrics), methods=["GET"]))
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


def url_path(provider: Provider[Any], endpoint: Endpoint) -> str:
    """Where an endpoint's callbacks arrive, below the secret if there is one."""
    return f"{provider.path}/{endpoint.path}".rstrip("/")


def _routes(provider: Provider[Any], endpoint: Endpoint, door: Door, max_body_bytes: int) -> Iterable[Route]:
    path = url_path(provider, endpoint)
    methods = ["GET", "POST", "OPTIONS"] if endpoint.cors else ["GET", "POST"]
    secret = "/{secret}" if door.trust[provider.name].secrets else ""
    for spelled in (path, f"{path}/"):
        yield Route(
            f"{secret}{spelled}",
            _Callback(provider, endpoint, door, path),
            methods=methods,
            max_body_size=max_body_bytes,
            middleware=_cors(provider) if endpoint.cors else None,
        )


def _cors(provider: Provider[Any]) -> list[Middleware]:
    """Cross-origin headers where an origin is configured (F-06)."""
    origins = list(getattr(provider.options, "popup_origins", ()))
    return [Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"])] if origins else []


class _Callback:
    """The ASGI endpoint of one provider's path. `path` is what is stored: it has no secret in it."""

    def __init__(self, provider: Provider[Any], endpoint: Endpoint, door: Door, path: str) -> None:
        self._provider = provider
        self._endpoint = endpoint
        self._door = door
        self._path = path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = self._refusal(request) or await self._respond(request)
        await response(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        """What a stranger gets: no more than a status."""
        refusal = self._door.trust[self._provider.name].refusal(
            request.path_params.get("secret", ""),
            request.headers.get("authorization", ""),
            self._door.address_of(request),
        )
        if refusal is None:
            return None
        challenge = {"WWW-Authenticate": 'Basic realm="receiver"'} if refusal is Refusal.PASSWORD else None
        return PlainTextResponse(HTTPStatus(refusal.status).phrase, refusal.status, headers=challenge)

    async def _respond(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})
        asks = request.method == "GET" and self._endpoint.on_get and request.url.query
        if request.method in {"GET", "HEAD"} and not asks:
            return PlainTextResponse(f"The receiver is ready for {self._provider.title}'s callbacks.\n")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return PlainTextResponse("Send the body without a Content-Encoding.\n", status_code=415)
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        reply = await self._door.intake.receive(self._provider, self._callback(request, body))
        return Response(reply.body, reply.status, media_type=None, headers={"content-type": reply.content_type})

    def _callback(self, request: Request, body: bytes) -> CallbackRequest:
        return CallbackRequest(
            endpoint=self._endpoint,
            method=request.method,
            path=self._path,
            query=request.scope["query_string"],
            headers=tuple(request.headers.items()),
            body=body,
            peer=self._door.address_of(request),
        )


def _metrics(metrics: Metrics) -> Callable[[Request], Response]:
    return lambda _request: Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
