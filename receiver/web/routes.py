"""Where requests go: callbacks to the intake, each through the same checks; health and metrics to Starlette."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.intake import KEPT_HEADERS, Intake
from receiver.metrics import Metrics
from receiver.providers.contract import CallbackRequest, Endpoint, Mode, Provider
from receiver.web.admission import Admission
from receiver.web.refusals import Refusal, Refusals
from receiver.web.sightings import HEADER, Sightings
from receiver.web.trust import Network, Trust, is_in, peer_address

_FORWARDED = ("x-forwarded-for", "x-forwarded-proto", "forwarded")
_KEPT = {name.encode(): name for name in KEPT_HEADERS}


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class Door:
    """What stands between the routes and the intake: who may come in, how much at once, and who was refused."""

    def __init__(
        self,
        trust: Mapping[str, Trust],
        admission: Admission,
        *,
        max_body_bytes: int,
        max_transcript_bytes: int,
        proxies: Sequence[Network] = (),
        forwarded_header: str = "x-forwarded-for",
    ) -> None:
        self.trust = trust
        self.admission = admission
        self.max_body_bytes = max_body_bytes
        self.max_transcript_bytes = max_transcript_bytes
        self._proxies = tuple(proxies)
        self._forwarded_header = forwarded_header.encode()
        self._parts: tuple[Intake, Refusals, Sightings] | None = None

    def open(self, intake: Intake, refusals: Refusals, sightings: Sightings) -> None:
        """From now on callbacks go to this intake."""
        self._parts = intake, refusals, sightings

    @property
    def is_open(self) -> bool:
        """Whether the app's lifespan has begun."""
        return self._parts is not None

    @property
    def _opened(self) -> tuple[Intake, Refusals, Sightings]:
        if self._parts is None:
            raise RuntimeError("the app has not been started: its lifespan must run before requests come")
        return self._parts

    @property
    def intake(self) -> Intake:
        """Where callbacks go. Only asked for while the app's lifespan runs, as the next two."""
        return self._opened[0]

    @property
    def refusals(self) -> Refusals:
        """Where refused requests are noted."""
        return self._opened[1]

    @property
    def sightings(self) -> Sightings:
        """Where `receiver check --url` finds what was seen."""
        return self._opened[2]

    def address_of(self, scope: Scope) -> str:
        """Where a request comes from, as far as it can be believed."""
        direct = scope["client"][0] if scope["client"] else ""
        if not self._proxies:
            return direct
        return peer_address(
            direct, _header(scope, self._forwarded_header), self._forwarded_header.decode(), self._proxies
        )

    def sight(self, scope: Scope, address: str, path: str, refused: Sequence[Refusal]) -> None:
        """Tell `receiver check --url` what arrived, if it is what sent this."""
        token = _header(scope, HEADER.encode())
        if not token:
            return
        forwarded = {name: _header(scope, name.encode()) for name in _FORWARDED}
        peer = scope["client"][0] if scope["client"] else ""
        seen = {
            "scheme": (is_in(peer, self._proxies) and self._forwarded_scheme(scope)) or scope["scheme"],
            "host": _header(scope, b"host"),
            "peer": peer,
            "address": address,
            "forwarded": {name: value for name, value in forwarded.items() if value},
            "path": path,
            "refused": [refusal.name for refusal in refused],
        }
        self.sightings.note(token, seen)

    def _forwarded_scheme(self, scope: Scope) -> str:
        """What a trusted proxy says of the line before it."""
        if self._forwarded_header != b"forwarded":
            return _header(scope, b"x-forwarded-proto")
        found = re.findall(r"proto=\"?(https?)\b", _header(scope, b"forwarded").lower())
        return str(found[-1]) if found else ""

    async def refuse(
        self,
        refusal: Refusal,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        path: str,
        size: int = 0,
        **headers: str | None,
    ) -> None:
        """Note it, and say no."""
        self.refusals.note(refusal, self.address_of(scope), path, max(size, _declared_length(scope)))
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        response = PlainTextResponse(refusal.says, refusal.status, headers=named)
        await response(scope, receive, send)


class Front:
    """The ASGI app. Callbacks go the short way; paths work with and without a slash at the end (A-27)."""

    def __init__(self, providers: Mapping[str, Provider[Any]], door: Door, site: Starlette) -> None:
        self.site = site
        """Health, metrics, and the lifespan."""
        self._door = door
        self._public: dict[str, ASGIApp] = {}
        self._secret: dict[str, ASGIApp] = {}
        for provider in providers.values():
            paths = self._secret if door.trust[provider.name].secrets else self._public
            for endpoint in provider.endpoints:
                path = url_path(provider, endpoint)
                paths[path] = _Callback(provider, endpoint, door, path)
        self._own = {getattr(route, "path", "") for route in site.routes}
        self._segments = {part for path in (*self._public, *self._secret) for part in path.split("/")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http" or scope["path"] in self._own:
            await self.site(scope, receive, send)
            return
        path = scope["path"].rstrip("/")
        callback = self._public.get(path)
        if callback is None:
            secret, slash, rest = path[1:].partition("/")
            callback = self._secret.get(slash + rest)
            scope["receiver.secret"] = secret
        if callback is not None:
            await callback(scope, receive, send)
            return
        refusal, shown = Refusal.SECRET if path in self._secret else Refusal.PATH, self._without_secrets(path)
        self._door.sight(scope, self._door.address_of(scope), shown, (refusal,))
        await self._door.refuse(refusal, scope, receive, send, path=shown)

    def note_cut_off(self, refusal: Refusal, address: str) -> None:
        """The protocol cut a sender off before there was a request."""
        if self._door.is_open:
            self._door.refusals.note(refusal, address)

    def _without_secrets(self, path: str) -> str:
        """An unknown path as it may be kept: a secret, also a misplaced or an old one, is no word of our own paths."""
        if not self._secret:
            return path
        return "/".join(part if part in self._segments else "…" for part in path.split("/"))


def build(providers: Mapping[str, Provider[Any]], door: Door, *, metrics: Metrics | None, lifespan: Lifespan) -> Front:
    """The ASGI app; with `metrics` it shows them."""
    routes = [Route("/health", _health, methods=["GET"])]
    if metrics is not None:

        def show(_request: Request) -> Response:
            return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

        routes.append(Route("/metrics", show, methods=["GET"]))
    return Front(providers, door, Starlette(routes=routes, lifespan=lifespan))


def url_path(provider: Provider[Any], endpoint: Endpoint) -> str:
    """Where an endpoint's callbacks arrive, below the secret if there is one."""
    return f"{provider.path}/{endpoint.path}".rstrip("/")


def _with_cors(provider: Provider[Any], endpoint: Endpoint, app: ASGIApp) -> ASGIApp:
    """Cross-origin headers where an origin is configured (F-06)."""
    origins = list(getattr(provider.options, "popup_origins", ()))
    if not (endpoint.cors and origins):
        return app
    return CORSMiddleware(app, allow_origins=origins, allow_methods=["GET", "POST"])


class _Callback:
    """The ASGI endpoint of one provider's path. `path` is what is stored: it has no secret in it."""

    def __init__(self, provider: Provider[Any], endpoint: Endpoint, door: Door, path: str) -> None:
        self._provider = provider
        self._endpoint = endpoint
        self._door = door
        self._path = path
        self._trust = door.trust[provider.name]
        kinds = [kind for kind in provider.kinds if endpoint.kind in {"", kind.name}]
        self._asks = all(kind.mode is Mode.ASK for kind in kinds)
        self._inner = _with_cors(provider, endpoint, self._serve)
        self._longest = door.max_transcript_bytes if any(kind.bulky for kind in kinds) else door.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The checks in their order, then the callback."""
        address = self._door.address_of(scope)
        refused = self._trust.refusals(scope.get("receiver.secret", ""), _header(scope, b"authorization"), address)
        if scope["method"] == "OPTIONS":  # a browser asks whether it may send one
            refused = tuple(refusal for refusal in refused if refusal is not Refusal.PASSWORD)
        self._door.sight(scope, address, self._path, refused)
        if self._door.admission.is_too_fast(address):
            await self._refuse(Refusal.RATE, scope, receive, send, retry_after="1")
        elif refused:
            challenge = 'Basic realm="receiver"' if refused[0] is Refusal.PASSWORD else None
            await self._refuse(refused[0], scope, receive, send, www_authenticate=challenge)
        else:
            await self._inner(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that may come in."""
        if scope["method"] == "POST" or (scope["method"] == "GET" and self._endpoint.on_get and scope["query_string"]):
            await self._take(scope, receive, send, self._door.address_of(scope))
        else:
            await self._say(scope, receive, send)

    async def _say(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What carries no callback: somebody looks whether the URL is there."""
        methods = ["GET", "HEAD", "POST", *(["OPTIONS"] if self._endpoint.cors else [])]
        if scope["method"] not in methods:
            await self._refuse(Refusal.METHOD, scope, receive, send, allow=", ".join(methods))
            return
        if scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})
        else:
            response = PlainTextResponse(f"The receiver is ready for {self._provider.title}'s callbacks.\n")
        await response(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        if _header(scope, b"content-encoding").lower() not in {"", "identity"}:
            await self._refuse(Refusal.ENCODING, scope, receive, send)
            return
        body = _Body(receive, self._longest, self._door.admission)
        try:
            if refusal := Refusal.LENGTH if _declared_length(scope) > self._longest else await body.read():
                later = "1" if refusal is Refusal.BUSY else None
                await self._refuse(refusal, scope, receive, send, size=body.size, connection="close", retry_after=later)
            elif body.is_whole:
                await self._answer(self._request(scope, body.content, address), scope, receive, send)
        finally:
            body.forget()

    async def _answer(self, request: CallbackRequest, scope: Scope, receive: Receive, send: Send) -> None:
        admission = self._door.admission
        if admission.begin(asks=self._asks or self._provider.may_ask(request)):
            try:
                reply = await self._door.intake.receive(self._provider, request)
            finally:
                admission.end()
        else:
            self._door.refusals.note(Refusal.BUSY, request.peer, self._path, len(request.body))
            reply = self._door.intake.turn_away(self._provider, request)
        headers = [(b"content-type", reply.content_type.encode()), (b"content-length", b"%d" % len(reply.body))]
        if reply.status == Refusal.BUSY.status:
            headers.append((b"retry-after", b"1"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def _request(self, scope: Scope, body: bytes, address: str) -> CallbackRequest:
        return CallbackRequest(
            endpoint=self._endpoint,
            method=scope["method"],
            path=self._path,
            query=scope["query_string"],
            headers=tuple((_KEPT[name], value.decode("latin-1")) for name, value in scope["headers"] if name in _KEPT),
            body=body,
            peer=address,
        )

    async def _refuse(
        self, refusal: Refusal, scope: Scope, receive: Receive, send: Send, *, size: int = 0, **headers: str | None
    ) -> None:
        await self._door.refuse(refusal, scope, receive, send, path=self._path, size=size, **headers)


class _Body:
    """The body of one request, as far as it may be taken in."""

    def __init__(self, receive: Receive, longest: int, admission: Admission) -> None:
        self._receive = receive
        self._longest = longest
        self._admission = admission
        self._chunks: list[bytes] = []
        self._held = 0
        self.size = 0
        """Bytes that have arrived."""
        self.is_whole = False
        """False when the sender went away."""

    async def read(self) -> Refusal | None:
        """Read to the end; why it was not read to the end, unless the sender went away."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return None
            chunk = message.get("body", b"")
            self.size += len(chunk)
            if self.size > self._longest:
                return Refusal.LENGTH
            if not self._admission.hold(len(chunk)):
                return Refusal.BUSY
            self._held += len(chunk)
            self._chunks.append(chunk)
            if not message.get("more_body", False):
                self.is_whole = True
                return None

    @property
    def content(self) -> bytes:
        """All of it."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def forget(self) -> None:
        """It is no longer needed."""
        self._admission.free(self._held)
        self._held = 0


def _header(scope: Scope, name: bytes) -> str:
    """All lines of a header with commas between; empty when there is none."""
    found = None
    for key, value in scope["headers"]:
        if key == name:
            found = value if found is None else found + b", " + value
    return found.decode("latin-1") if found else ""


def _declared_length(scope: Scope) -> int:
    declared = _header(scope, b"content-length")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else 0


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
