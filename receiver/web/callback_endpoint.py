"""The ASGI endpoint of one callback path: from access control to the intake's reply."""

import logging
from typing import TYPE_CHECKING, Any

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from receiver.errors import WireError
from receiver.providers.base.contract import CallbackRequest, Endpoint, HttpReply, Provider
from receiver.web.gateway import CallbackGateway
from receiver.web.headers import declared_length, has_body, header
from receiver.web.rejections import Rejection
from receiver.web.request_body import RequestBody
from receiver.wire.content_encoding import ENCODINGS, TooLargeError

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

logger = logging.getLogger(__name__)

STORED_HEADERS = (
    "content-type",
    "content-encoding",
    "user-agent",
    "host",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
)
"""Headers that are stored with a callback; credentials and cookies are not among them."""

SECRET = "receiver.secret"  # noqa: S105 - the name of a field, not a secret
"""The scope's key for the secret that was in the path."""


class CallbackEndpoint:
    """The endpoint of one path. What is stored of the path has no secret in it."""

    def __init__(self, provider: Provider[Any], endpoint: Endpoint, gateway: CallbackGateway) -> None:
        self._provider = provider
        self._endpoint = endpoint
        self._gateway = gateway
        self._tracing = gateway.tracing
        self._policy = gateway.policies[provider.name]
        self._stored_headers = {name.encode(): name for name in (*STORED_HEADERS, *provider.signature_headers)}
        self._inner = self._with_cors(self._serve)
        kinds = [kind for kind in provider.kinds if endpoint.kind in {"", kind.name}]
        is_bulky = any(kind.bulky for kind in kinds)
        self._longest = gateway.max_transcript_bytes if is_bulky else gateway.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check access and rate, then serve."""
        address = self._gateway.address_of(scope)
        rejections = self._policy.rejections(scope.get(SECRET, ""), header(scope, b"authorization"), address)
        if scope["method"] == "OPTIONS":  # browsers send their preflight requests without credentials
            rejections = tuple(rejection for rejection in rejections if rejection is not Rejection.PASSWORD)
        self._gateway.report_probe(scope, address, _path(scope), rejections)
        if self._gateway.admission.is_too_fast(address):
            await self._reject(Rejection.RATE, scope, receive, send, retry_after="1")
        elif rejections:
            challenge = 'Basic realm="receiver"' if rejections[0] is Rejection.PASSWORD else None
            await self._reject(rejections[0], scope, receive, send, www_authenticate=challenge)
        else:
            await self._inner(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST" or (scope["method"] == "GET" and (scope["query_string"] or has_body(scope))):
            await self._receive(scope, receive, send)
        else:
            await self._answer_ready(scope, receive, send)

    async def _answer_ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the readiness line, for people and monitors who check whether the URL works (A-24)."""
        methods = ["GET", "HEAD", "POST", *(["OPTIONS"] if self._endpoint.cors else [])]
        if scope["method"] not in methods:
            await self._reject(Rejection.METHOD, scope, receive, send, allow=", ".join(methods))
            return
        if scope["method"] == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST"})
        else:
            response = PlainTextResponse(f"The receiver is ready for {self._provider.title}'s callbacks.\n")
        await response(scope, receive, send)

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and pass the request on."""
        encoding = header(scope, b"content-encoding").strip().lower()
        if encoding not in {"", "identity"} and encoding not in ENCODINGS:
            await self._reject(Rejection.ENCODING, scope, receive, send)
            return
        body = RequestBody(receive, self._longest, self._gateway.admission)
        try:
            too_long = declared_length(scope) > self._longest
            if rejection := Rejection.LENGTH if too_long else await body.read():
                await self._reject_body(rejection, body, scope, receive, send)
            elif body.is_complete and encoding in ENCODINGS:
                await self._receive_compressed(encoding, body, scope, receive, send)
            elif body.is_complete:
                await self._receive_request(self._request(scope, body.content), scope, receive, send)
        finally:
            body.release()

    async def _receive_compressed(
        self, encoding: str, body: RequestBody, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Decompress the body first. One that cannot be decompressed is stored as it was sent (A-26)."""
        request = self._request(scope, body.content)
        request.notes = (f"content_encoding:{encoding}",)
        try:
            request.body = await body.decompress(encoding)
        except TooLargeError:
            await self._reject_body(Rejection.LENGTH, body, scope, receive, send)
            return
        except WireError as error:
            request.undecodable = str(error)
        if not body.replace(request.body):
            await self._reject_body(Rejection.BUSY, body, scope, receive, send)
            return
        await self._receive_request(request, scope, receive, send)

    async def _reject_body(
        self, rejection: Rejection, body: RequestBody, scope: Scope, receive: Receive, send: Send
    ) -> None:
        later = "1" if rejection is Rejection.BUSY else None
        await self._reject(rejection, scope, receive, send, size=body.size, connection="close", retry_after=later)

    async def _receive_request(self, request: CallbackRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the readiness line if the request carries no callback; else verify its signature, and receive it."""
        if self._carries_no_callback(request):
            if request.query:
                self._gateway.rejections.note(Rejection.QUERY, request.peer, request.path)
            await self._answer_ready(scope, receive, send)
            return
        if not self._is_genuine(request, scope):
            await self._reject(Rejection.SIGNATURE, scope, receive, send, size=len(request.body))
            return
        if self._tracing is None:
            reply = await self._reply(request)
        else:
            reply = await self._traced_reply(self._tracing, request, scope)
        await _send(reply, send)

    def _carries_no_callback(self, request: CallbackRequest) -> bool:
        """Whether a request has neither a body nor a query with the fields of a callback."""
        has_content = request.method != "GET" or request.body.strip()
        return not has_content and not (request.query and self._is_callback_query(request))

    def _is_callback_query(self, request: CallbackRequest) -> bool:
        """As the provider decides; if that fails, yes, so that the request is stored."""
        try:
            return self._provider.is_callback_query(request)
        except Exception:
            logger.exception("deciding whether a query is a callback of %s failed", self._provider.name)
            return True

    def _is_genuine(self, request: CallbackRequest, scope: Scope) -> bool:
        """Whether the provider signed the request; a check that fails proves nothing."""
        try:
            return self._provider.verify_signature(request, self._gateway.url_of(scope))
        except Exception:
            logger.exception("checking a signature of %s failed; the request is rejected", self._provider.name)
            return False

    async def _reply(self, request: CallbackRequest) -> HttpReply:
        admission, intake = self._gateway.admission, self._gateway.intake
        recognition = intake.recognise(self._provider, request)
        if not admission.begin(asks=recognition.asks):
            self._gateway.rejections.note(Rejection.BUSY, request.peer, request.path, len(request.body))
            return intake.reject_overloaded(self._provider, request, recognition)
        try:
            return await intake.receive(self._provider, request, recognition)
        finally:
            admission.end()

    async def _traced_reply(self, tracing: "Tracing", request: CallbackRequest, scope: Scope) -> HttpReply:
        """The reply, with a span from the complete request to it; the callbacks get a note that names the span."""
        route = f"{self._provider.path}/{self._endpoint.path}".rstrip("/")
        context = self._gateway.trace_headers_of(scope)
        with tracing.request(request.method, route, context, self._provider.name) as span:
            request.notes += tracing.notes()
            reply = await self._reply(request)
            span.replied(reply.status)
        return reply

    def _request(self, scope: Scope, body: bytes) -> CallbackRequest:
        stored = self._stored_headers
        return CallbackRequest(
            endpoint=self._endpoint,
            method=scope["method"],
            path=_path(scope),
            query=scope["query_string"],
            headers=tuple(
                (stored[name], value.decode("latin-1")) for name, value in scope["headers"] if name in stored
            ),
            body=body,
            peer=self._gateway.address_of(scope),
        )

    async def _reject(
        self, rejection: Rejection, scope: Scope, receive: Receive, send: Send, *, size: int = 0, **headers: str | None
    ) -> None:
        await self._gateway.reject(rejection, scope, receive, send, path=_path(scope), size=size, **headers)

    def _with_cors(self, app: ASGIApp) -> ASGIApp:
        """Add cross-origin headers where origins are configured (F-06)."""
        origins = self._provider.cors_origins
        if not (self._endpoint.cors and origins):
            return app
        return CORSMiddleware(app, allow_origins=origins, allow_methods=["GET", "POST"])


PATH = "receiver.path"
"""The scope's key for the path without a secret and without a slash at its end."""


def _path(scope: Scope) -> str:
    path: str = scope[PATH]
    return path


async def _send(reply: HttpReply, send: Send) -> None:
    headers = [(b"content-type", reply.content_type.encode()), (b"content-length", b"%d" % len(reply.body))]
    if reply.status == Rejection.BUSY.status:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
