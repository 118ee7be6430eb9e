"""HTTP limits that uvicorn has no setting for: the time a request may take to arrive, and the size of its head.

A sender that exceeds a limit is disconnected. Until then it occupies one connection and no thread.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from receiver.web.rejections import Rejection
from receiver.web.reply_batching import ReplyBatchingTransport

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

LINGER_SECONDS = 0.3
"""How long an idle connection is kept when the server stops: a request may be on its way, and gets its reply."""
LINGER_REQUEST_SECONDS = 2.0
"""How long a request that has begun by then may take to arrive."""

OnCutOff = Callable[[Rejection, str], None]
"""Called for each sender that was disconnected, with the reason and the sender's address."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits on a request until it is complete; see the settings of the same names."""

    request_seconds: float = 30.0
    max_header_bytes: int = 32 * 1024
    max_headers: int = 100


class LimitedHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with a time limit from the first byte to the last, and size limits on the head."""

    limits: ClassVar[RequestLimits] = RequestLimits()
    on_cut_off: ClassVar[tuple[OnCutOff, ...]] = ()
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    """Bytes of the head so far, or of the trailers after a body."""
    _collected = 0
    """Bytes received since the parser's last event."""
    _in_head = True
    _is_arriving = False
    _is_cut_off = False
    _half_closed = False
    _is_draining = False

    def connection_made(self, transport: Any) -> None:
        """Start the timer: a connection without a request is closed."""
        self._replies = ReplyBatchingTransport(transport)
        super().connection_made(cast("asyncio.Transport", self._replies))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed: stop its timer."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data. Disconnect a sender whose data the parser only buffers, beyond the limit on the head."""
        if self._is_cut_off:
            return
        self._collected += len(data)
        super().data_received(data)
        if self._deadline is None and self._is_awaited and not self._is_cut_off and not self.transport.is_closing():
            self._arm()  # most requests arrive in one piece and need no timer
        if self._collected > self.limits.max_header_bytes and not self._is_cut_off and not self.transport.is_closing():
            self._cut_off(Rejection.HEAD, _TOO_LARGE if self._in_head else b"")

    @property
    def _is_awaited(self) -> bool:
        """Whether more data is due: within a request, or after data that is not a request, such as a blank line."""
        is_idle = self.cycle is None or self.cycle.response_complete
        return self._is_arriving or (is_idle and self.timeout_keep_alive_task is None)

    def on_message_begin(self) -> None:
        """A request begins, the first of its connection or a further one."""
        self._head_bytes = 0
        self._is_arriving = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request's first line."""
        if self._has_room_for(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer after the body, which is ignored; both count toward the limit."""
        if self._has_room_for(len(name) + len(value) + 4) and self._in_head:
            if len(self.headers) < self.limits.max_headers:
                super().on_header(name, value)
            else:
                self._cut_off(Rejection.HEAD, _TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is complete: the body follows, which has a limit of its own."""
        self._in_head, self._head_bytes, self._collected = False, 0, 0
        if not self._is_cut_off:
            super().on_headers_complete()
            if self._is_draining:
                self._end_after_reply()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._collected = 0
        if not self._is_cut_off:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete: stop the timer, because the reply's time does not depend on the sender."""
        self._disarm()
        self._is_arriving = False
        self._in_head, self._collected = True, 0
        if not self._is_cut_off:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The data is not HTTP."""
        self._note(Rejection.MALFORMED)
        super().send_400_response(msg)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn returns nothing where asyncio takes a bool
        """The sender has closed its side; it may still wait for the reply."""
        self._half_closed = self._deadline is None and self.cycle is not None and not self.cycle.response_complete
        return self._half_closed

    def on_response_complete(self) -> None:
        """The reply has been sent."""
        is_last = not self.pipeline
        self._replies.flush()
        super().on_response_complete()
        if self._half_closed and is_last:
            self.transport.close()

    def shutdown(self) -> None:
        """The server stops. Requests that have been sent are answered; then the connection is closed.

        uvicorn would close an idle connection at once, and so reset one whose request is on its way.
        """
        self._is_draining = True
        self._end_after_reply()
        self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _end_after_reply(self) -> None:
        """Let the request in progress be the last one, unless further ones have arrived with it."""
        if self.cycle is not None and not self.cycle.response_complete and not self.pipeline:
            self.cycle.keep_alive = False
        elif self.pipeline:
            self.pipeline[0][0].keep_alive = False

    def _close_if_idle(self) -> None:
        if self._is_arriving:
            self.loop.call_later(LINGER_REQUEST_SECONDS, self.transport.close)
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(self.limits.request_seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if self._collected or self._head_bytes or not self._in_head:
            self._cut_off(Rejection.SLOW)
        else:
            self.transport.close()  # nothing was sent, so nothing was rejected

    def _has_room_for(self, size: int) -> bool:
        """Whether the head, or the trailers, may grow by so much; disconnects the sender if not."""
        self._collected = 0
        self._head_bytes += size
        if self._head_bytes > self.limits.max_header_bytes and not self._is_cut_off:
            self._cut_off(Rejection.HEAD, _TOO_LARGE if self._in_head else b"")
        return not self._is_cut_off

    def _cut_off(self, rejection: Rejection, response: bytes = b"") -> None:
        self._is_cut_off = True
        self._note(rejection)
        self.transport.write(response)
        self.transport.close()

    def _note(self, rejection: Rejection) -> None:
        for on_cut_off in self.on_cut_off:
            on_cut_off(rejection, self.client[0] if self.client else "")


def limited_protocol(limits: RequestLimits, *on_cut_off: OnCutOff) -> type[LimitedHttpProtocol]:
    """A protocol class with these limits. uvicorn makes one object for each connection, without arguments."""
    return type("LimitedHttpProtocol", (LimitedHttpProtocol,), {"limits": limits, "on_cut_off": on_cut_off})
