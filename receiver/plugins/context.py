"""What a handler may know and use beside its event."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, overload

import httpx

from receiver.providers.base.api.clients import AnyClient, ApiClients


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Given to a handler that takes a second argument."""

    provider: str = ""
    callback_id: int | None = None
    """The callback's row in the journal; None while a question is being answered, for it is stored after its reply."""
    delivery_id: str | None = None
    """The same for every attempt of one delivery: an idempotency key for what you call. None for questions."""
    attempt: int = 1
    """1 at the first try."""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Your module's settings: the table `[handler_settings.NAME]`."""
    http: httpx.AsyncClient = field(default_factory=httpx.AsyncClient, repr=False)
    """A client shared by all handlers."""
    apis: ApiClients = field(default_factory=ApiClients, repr=False)
    """The providers' API clients, made from settings; `api` gets one of them."""
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("receiver.handlers"), repr=False)

    @overload
    def api(self, client: str) -> Any: ...

    @overload
    def api(self, client: type[AnyClient]) -> AnyClient: ...

    def api(self, client: str | type[AnyClient]) -> Any:
        """The client of a provider's API: by its class, such as voicenter's `Client`, or by the provider's name.

        Plain functions ask for the `SyncClient`. It is shared and stays open. Raises SettingsError where the settings
        do not say how to call that provider.
        """
        return self.apis.get(client)
