"""What both ways of sending share: a URL that is not logged, a bounded body, and when to try again."""

from collections.abc import Callable
from typing import Any

import httpx

from receiver.providers.base.api.definition import ApiCall, ApiRequest, Encoding
from receiver.providers.base.api.errors import ProviderError, ProviderReplyError, ReplyTimeoutError, TransportError
from receiver.providers.base.api.rate import RequestBudget

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
"""Seconds between two tries: doubled each time up to the longest, with a jitter of at most the first."""
MAX_REPLY_BYTES = 32 * 1024 * 1024
"""Longest reply: 10,000 rows of a call log take a third of it."""


class HiddenUrl(httpx.URL):
    """A URL whose text has no query: httpx writes the text of each URL to its log, and queries hold secrets."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc.decode()}{self.path}"

    def __repr__(self) -> str:
        return f"HiddenUrl({str(self)!r})"


def hide_query(request: httpx.Request) -> httpx.Request:
    """The same request, whose URL shows no query."""
    request.url = HiddenUrl(request.url)
    return request


def headers_of(request: ApiRequest) -> dict[str, str]:
    """The headers to send: no compression, so that a short reply cannot unpack to a long one."""
    return {"accept-encoding": "identity", "user-agent": "callback-receiver", **request.headers}


class BodyCollector:
    """Collects a reply's body within MAX_REPLY_BYTES and until `deadline`, a time of `clock`."""

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take a piece of the body. Raises ProviderReplyError or ReplyTimeoutError."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > MAX_REPLY_BYTES:
            raise ProviderReplyError(f"the reply is longer than {MAX_REPLY_BYTES} bytes", body=self.body)
        if self._clock() > self._deadline:
            raise ReplyTimeoutError("the reply did not end within the time limit")

    @property
    def body(self) -> bytes:
        """What has come so far."""
        return b"".join(self._chunks)


def is_temporary(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    return isinstance(error, TransportError) or (isinstance(error, ProviderError) and error.is_temporary)


def encoding_for(call: ApiCall[Any], preferred: Encoding | None) -> Encoding | None:
    """The preferred encoding, where the call may be sent so."""
    return preferred if preferred in call.encodings else None


def new_budgets(calls: tuple[ApiCall[Any], ...]) -> dict[str, RequestBudget]:
    """One budget for each limit that the calls name."""
    return {call.rate.name: RequestBudget(call.rate.requests, call.rate.seconds) for call in calls if call.rate}
