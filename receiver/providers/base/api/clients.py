"""The API clients that handlers use, made from settings when they are first asked for, and shared."""

from collections.abc import Awaitable, Mapping
from inspect import isawaitable
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

import httpx

from receiver.errors import HandlerError, SettingsError
from receiver.providers.base.api.options import ApiOptions

if TYPE_CHECKING:
    from receiver.providers.base.api.placed import OnPlaced
    from receiver.providers.base.api.sending import AsyncApiClient
    from receiver.providers.base.api.sending_sync import SyncApiClient

AnyClient = TypeVar("AnyClient", bound="AsyncApiClient | SyncApiClient")


class ApiClients:
    """One client for each provider and way of calling. `transport` takes the place of the network.

    The phone calls that they place are reported to `on_placed`.
    """

    def __init__(
        self,
        options: Mapping[str, ApiOptions] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        on_placed: "OnPlaced | None" = None,
    ) -> None:
        self._on_placed = on_placed
        self._options = dict(options or {})
        self._transport = transport
        self._clients: dict[type[Any], Any] = {}
        self._lock = Lock()

    @overload
    def get(self, client: str) -> Any: ...

    @overload
    def get(self, client: type[AnyClient]) -> AnyClient: ...

    def get(self, client: str | type[AnyClient]) -> Any:
        """The shared client of a class, such as voicenter's `Client`, or the asynchronous one of a provider's name.

        Raises SettingsError where the settings do not say how to call that provider.
        """
        wanted = _client_type(client) if isinstance(client, str) else client
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._make(wanted)
            return self._clients[wanted]

    def _make(self, wanted: type[Any]) -> Any:
        name = wanted.api_type.name
        options = self._options.get(name)
        if options is None:
            raise SettingsError(f"how to call {name} is not set: write [{wanted.api_type.place()}] to receiver.toml")
        if self._transport is None or wanted.__name__ != "SyncClient":
            return wanted.from_options(options, transport=self._transport, on_placed=self._on_placed)
        if isinstance(self._transport, httpx.BaseTransport):
            return wanted.from_options(options, transport=self._transport, on_placed=self._on_placed)
        raise HandlerError(f"there is no network here: call {name} with `Client` in an async handler, not `SyncClient`")

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            closing: Awaitable[None] | None = client.aclose() if hasattr(client, "aclose") else client.close()
            if isawaitable(closing):
                await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _client_type(provider: str) -> type[Any]:
    from receiver.providers.base.api.discovery import client_of

    return client_of(provider)
