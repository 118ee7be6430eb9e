"""Sending API requests over HTTP: time limits, retries, rate limits.

`sending_sync.py` is made from this file: `python -m tests.api.generate` writes it anew.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

from receiver.providers.base.api.contract import Api
from receiver.providers.base.api.definition import ApiCall, ApiReply, ApiRequest, Encoding, Result
from receiver.providers.base.api.errors import ApiError, ReplyTimeoutError, TransportError
from receiver.providers.base.api.exchange import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    BodyCollector,
    encoding_for,
    headers_of,
    hide_query,
    is_temporary,
    new_budgets,
)
from receiver.providers.base.api.options import ApiOptions
from receiver.providers.base.api.parameters import Parameters, checked
from receiver.providers.base.api.placed import OnPlaced, report_placed

logger = logging.getLogger(__name__)


class AsyncSender:
    """Sends the calls of one client, and reports those that it has placed to `on_placed`.

    `clock` and `sleep` are for tests; `transport` takes the place of the network.
    """

    def __init__(
        self,
        api: Api,
        options: ApiOptions,
        *,
        encoding: Encoding | None = None,
        on_placed: OnPlaced | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api = api
        self.options = options
        self._encoding = encoding
        self._on_placed = on_placed
        self._clock = clock
        self._sleep = sleep
        self._budgets = new_budgets(tuple(api.calls))
        self._http = httpx.AsyncClient(timeout=options.timeout, transport=transport, follow_redirects=False)

    async def send(self, call: ApiCall[Result], given: Mapping[str, Any]) -> Result:
        """The result of a call. Raises ParameterError before anything is sent, and the other ApiErrors after."""
        parameters = checked(call.parameters, given, call.title)
        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self.options.attempts if call.is_repeatable else 1),
            wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE) + wait_random(0, FIRST_PAUSE),
            retry=retry_if_exception(is_temporary),
            reraise=True,
        )
        result: Result = await retrying(self._try_once, call, parameters)
        report_placed(self._on_placed, self.api.name, call, parameters, result)
        return result

    async def _try_once(self, call: ApiCall[Result], parameters: Parameters) -> Result:
        if call.rate is not None and (pause := self._budgets[call.rate.name].reserve(self._clock())) > 0:
            await self._sleep(pause)
        request = self.api.request(call, parameters, self.options, encoding=encoding_for(call, self._encoding))
        began = self._clock()
        try:
            result = self.api.read(call, await self._exchange(request))
        except ApiError as error:
            logger.info("%s %s failed: %s", self.api.name, call.title, type(error).__name__)
            raise
        logger.debug("%s %s took %.3f s", self.api.name, call.title, self._clock() - began)
        return result

    async def _exchange(self, request: ApiRequest) -> ApiReply:
        """The reply to a request. Raises TransportError or ProviderReplyError."""
        collected = BodyCollector(self._clock() + self.options.timeout, self._clock)
        built = self._http.build_request(
            request.method, request.url, headers=headers_of(request), content=request.body or None
        )
        try:
            response = await self._http.send(hide_query(built), stream=True)
            try:
                async for chunk in response.aiter_bytes():
                    collected.add(chunk)
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            message = f"no reply within {self.options.timeout:g} s ({type(error).__name__})"
            raise ReplyTimeoutError(message) from None
        except httpx.HTTPError as error:
            raise TransportError(f"no reply: {type(error).__name__}: {error}") from None
        return ApiReply(response.status_code, collected.body, response.headers.get("content-type", ""))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class AsyncApiClient:
    """What the clients of all providers can do. Use it as a context manager, or call `aclose`."""

    api_type: ClassVar[type[Api]]
    """The API that it calls."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender
        self._open(sender)

    @classmethod
    def from_options(cls, options: ApiOptions, **sending: Any) -> Self:
        """A client with options that were read from settings; `sending` is given to AsyncSender."""
        client = cls.__new__(cls)
        AsyncApiClient.__init__(client, AsyncSender(cls.api_type(), options, **sending))
        return client

    def _open(self, sender: AsyncSender) -> None:
        """Make the groups of calls."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._sender.options!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.aclose()
