"""The sandbox's ASGI app: each provider's API below a path of its own, and the sandbox's own pages."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from receiver.errors import SettingsError, WireError
from receiver.providers.base.sandbox import SandboxApi, SandboxOptions
from receiver.providers.base.sandbox_request import ApiReply, ApiRequest
from receiver.sandbox.api_faults import ApiFaults, corrupt
from receiver.sandbox.callbacks import MAX_AT_ONCE
from receiver.sandbox.control import ControlApi
from receiver.sandbox.discovery import discover
from receiver.sandbox.exchange import TelephoneExchange
from receiver.sandbox.overview import overview
from receiver.sandbox.settings import SandboxSettings, problems_of

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
MAX_BODY_BYTES = 4 * 1024 * 1024
"""Longest body of a request: a bulk of some ten thousand calls."""


class Sandbox:
    """The providers' parts, the exchange, and the app in front of them. `app` is what a server runs."""

    def __init__(self, settings: SandboxSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Raises SettingsError. `transport` is how callbacks travel: over the network unless a test says otherwise."""
        classes = discover()
        if unknown := settings.providers.keys() - classes.keys():
            raise SettingsError(f"providers.{min(unknown)}: there is no such provider; there are {', '.join(classes)}")
        options = {name: _options(part, settings) for name, part in classes.items()}
        urls = {name: one.callback_url or _below(settings.receiver, name) for name, one in options.items()}
        self.settings = settings
        self._client = httpx.AsyncClient(transport=transport, limits=httpx.Limits(max_connections=MAX_AT_ONCE))
        self.exchange = TelephoneExchange(settings, self._client, urls)
        self.parts: Mapping[str, SandboxApi] = {
            name: part(self.exchange, options[name]) for name, part in classes.items()
        }
        self._faults = ApiFaults(settings.fault, settings.seed)
        control = ControlApi(self.exchange, self.parts)
        self.app = Starlette(routes=[*self._routes(), *control.routes(), *self._root_routes()], lifespan=self._lifespan)

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [Route("/", self._overview, methods=["GET"])]
        for part in self.parts.values():
            answer = self._answerer(part)
            routes.append(Route(f"/{part.name}", answer, methods=METHODS))
            routes.append(Route(f"/{part.name}/{{path:path}}", answer, methods=METHODS))
        return routes

    def _root_routes(self) -> list[BaseRoute]:
        """The documents' own paths without a provider before them: no two providers share one."""
        return [Route("/{path:path}", self._answer_at_root, methods=METHODS)]

    async def _answer_at_root(self, request: Request) -> Response:
        path = f"{request.url.path.lower().rstrip('/')}/"
        found = [(len(root), part) for part in self.parts.values() for root in part.root_paths if path.startswith(root)]
        if not found:
            return PlainTextResponse("no API has this path; the page at / lists them\n", 404)
        answer = self._answerer(max(found, key=lambda one: one[0])[1])
        response: Response = await answer(request)
        return response

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield
            await self.exchange.close()

    async def _overview(self, request: Request) -> Response:
        return PlainTextResponse(overview(self, str(request.base_url).rstrip("/")))

    def _answerer(self, part: SandboxApi) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            body = await _body(request)
            if body is None:
                return PlainTextResponse(f"the body is longer than {MAX_BODY_BYTES} bytes\n", 413)
            return await self._answer(part, _api_request(part, request, body))

        return answer

    async def _answer(self, part: SandboxApi, request: ApiRequest) -> Response:
        try:
            operation = part.operation(request)
        except WireError:
            operation = ""
        fault = self._faults.of(part.name, operation, request)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.status:
            return PlainTextResponse(f"HTTP status {fault.status}, as asked for\n", fault.status)
        reply = part.error(request, fault.error) if fault.error else self._reply(part, request, fault.callbacks)
        return _response(corrupt(reply, fault.reply), cut=fault.reply == "cut")

    def _reply(self, part: SandboxApi, request: ApiRequest, callbacks: str) -> ApiReply:
        if callbacks:
            request = replace(request, callbacks=callbacks)
        try:
            return part.answer(request)
        except WireError:
            return part.unreadable(request)


def _options(part: type[SandboxApi], settings: SandboxSettings) -> SandboxOptions:
    try:
        return part.options_type.model_validate(settings.providers.get(part.name, {}))
    except ValidationError as error:
        raise SettingsError(problems_of(error, f"providers.{part.name}")) from error


def _below(receiver: str, name: str) -> str:
    return f"{receiver.rstrip('/')}/{name}" if receiver else ""


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too long."""
    pieces, length = [], 0
    async for piece in request.stream():
        length += len(piece)
        if length > MAX_BODY_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _api_request(part: SandboxApi, request: Request, body: bytes) -> ApiRequest:
    return ApiRequest(
        method=request.method,
        path=request.url.path.removeprefix(f"/{part.name}"),
        query=request.url.query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        peer=request.client.host if request.client else "",
    )


def _response(reply: ApiReply, *, cut: bool) -> Response:
    kind = _CutResponse if cut else Response
    return kind(reply.body, reply.status, dict(reply.headers), reply.content_type)


class _CutResponse(Response):
    """A reply whose connection ends before it does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head and the first half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
