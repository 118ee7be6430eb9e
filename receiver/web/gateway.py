"""The gateway between routes and intake: access control, admission, rejections and probes."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from receiver.intake.receive import Intake
from receiver.web.admission import Admission
from receiver.web.auth import AccessPolicy
from receiver.web.forwarded import Network, is_in, peer_address
from receiver.web.headers import declared_length, header
from receiver.web.probe import HEADER, ProbeReporter
from receiver.web.rejections import Rejection, RejectionLog

if TYPE_CHECKING:
    from receiver.tracing.spans import Tracing

_FORWARDED = ("x-forwarded-for", "x-forwarded-proto", "forwarded")
_TRACE_CONTEXT = ("traceparent", "tracestate")


class CallbackGateway:
    """Applies access control and admission, and reports what was rejected.

    `public_url` is the address that providers call; where it is empty, the scheme and the Host of the request are used.
    `tracing` makes a span of each request that carries a callback.
    """

    def __init__(
        self,
        policies: Mapping[str, AccessPolicy],
        admission: Admission,
        *,
        max_body_bytes: int,
        max_transcript_bytes: int,
        proxies: Sequence[Network] = (),
        forwarded_header: str = "x-forwarded-for",
        public_url: str = "",
        tracing: "Tracing | None" = None,
    ) -> None:
        self.policies = policies
        self.admission = admission
        self.max_body_bytes = max_body_bytes
        self.max_transcript_bytes = max_transcript_bytes
        self.tracing = tracing
        self._proxies = tuple(proxies)
        self._forwarded_header = forwarded_header.encode()
        self._public_url = public_url.rstrip("/")
        self._opened: tuple[Intake, RejectionLog, ProbeReporter] | None = None

    def open(self, intake: Intake, rejections: RejectionLog, probes: ProbeReporter) -> None:
        """Start to pass callbacks to this intake."""
        self._opened = intake, rejections, probes

    @property
    def is_open(self) -> bool:
        """Whether the app's lifespan has begun."""
        return self._opened is not None

    def _collaborators(self) -> tuple[Intake, RejectionLog, ProbeReporter]:
        if self._opened is None:
            raise RuntimeError("the app has not been started: its lifespan must run before it gets requests")
        return self._opened

    @property
    def intake(self) -> Intake:
        """The intake. This and the next two properties are available while the app's lifespan runs."""
        return self._collaborators()[0]

    @property
    def rejections(self) -> RejectionLog:
        """The log of rejected requests."""
        return self._collaborators()[1]

    @property
    def probes(self) -> ProbeReporter:
        """The reporter of probes, which `receiver check --url` sends."""
        return self._collaborators()[2]

    def address_of(self, scope: Scope) -> str:
        """The address that a request comes from, as far as it can be trusted."""
        direct = scope["client"][0] if scope["client"] else ""
        if not self._proxies:
            return direct
        value = header(scope, self._forwarded_header)
        return peer_address(direct, value, self._forwarded_header.decode(), self._proxies)

    def url_of(self, scope: Scope) -> str:
        """The URL that the provider called, with its query: signatures cover it."""
        base = self._public_url or f"{self._scheme_of(scope)}://{header(scope, b'host')}"
        path: bytes = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0]
        query: bytes = scope["query_string"]
        return base + (path + b"?" + query if query else path).decode("latin-1")

    def trace_headers_of(self, scope: Scope) -> dict[str, str]:
        """The W3C trace context that a trusted proxy sent; empty for any other sender."""
        peer = scope["client"][0] if scope["client"] else ""
        if not is_in(peer, self._proxies):
            return {}
        found = {name: header(scope, name.encode()) for name in _TRACE_CONTEXT}
        return {name: value for name, value in found.items() if value}

    def report_probe(self, scope: Scope, address: str, path: str, rejections: Sequence[Rejection]) -> None:
        """Report what arrived, if `receiver check --url` sent this request."""
        token = header(scope, HEADER.encode())
        if not token:
            return
        forwarded = {name: header(scope, name.encode()) for name in _FORWARDED}
        peer = scope["client"][0] if scope["client"] else ""
        seen = {
            "scheme": self._scheme_of(scope),
            "host": header(scope, b"host"),
            "peer": peer,
            "trusted": is_in(peer, self._proxies),
            "address": address,
            "forwarded": {name: value for name, value in forwarded.items() if value},
            "path": path,
            "refused": [rejection.name for rejection in rejections],
        }
        self.probes.report(token, seen)

    def _scheme_of(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope["client"] else ""
        return (is_in(peer, self._proxies) and self._forwarded_scheme(scope)) or str(scope["scheme"])

    def _forwarded_scheme(self, scope: Scope) -> str:
        """The scheme that a trusted proxy was called with."""
        if self._forwarded_header != b"forwarded":
            return header(scope, b"x-forwarded-proto")
        found = re.findall(r"proto=\"?(https?)\b", header(scope, b"forwarded").lower())
        return str(found[-1]) if found else ""

    async def reject(
        self,
        rejection: Rejection,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        path: str,
        size: int = 0,
        **headers: str | None,
    ) -> None:
        """Log a rejected request, and reply with the status of its rejection."""
        self.rejections.note(rejection, self.address_of(scope), path, max(size, declared_length(scope)))
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        response = PlainTextResponse(rejection.text, rejection.status, headers=named)
        await response(scope, receive, send)
