"""Send the requests of a simulated call over HTTP."""

from collections.abc import Mapping
from types import MappingProxyType

import httpx

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest

PATIENCE_SECONDS = 10.0
"""How long a reply is waited for where the provider's patience is not known: longer than a caller would wait."""
NONE_KNOWN: Mapping[str, float] = MappingProxyType({})


class HttpSender:
    """Sends requests to a receiver. `base` is the provider's URL, such as http://127.0.0.1:8000/voicenter.

    `auth` is user and password for HTTP basic authentication; `patience` is how many seconds the provider waits for the
    reply to a request of a kind. Raises httpx.TransportError where nothing listens.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        base: str,
        auth: tuple[str, str] | None = None,
        patience: Mapping[str, float] = NONE_KNOWN,
    ) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._auth = auth
        self._patience = patience

    async def __call__(self, request: OutgoingRequest) -> HttpReply | None:
        """The reply; None if none came while the provider waits."""
        try:
            reply = await self._client.request(
                request.method,
                self._base + request.target,
                content=request.body,
                headers=dict(request.headers),
                auth=self._auth,
                timeout=self._patience.get(request.kind, PATIENCE_SECONDS),
            )
        except httpx.ReadTimeout:
            return None
        return HttpReply(reply.content, reply.headers.get("content-type", ""), reply.status_code)
