"""Send the requests of a simulated call over HTTP."""

import httpx

from receiver.providers.base.contract import HttpReply
from receiver.providers.base.simulation import OutgoingRequest

PATIENCE_SECONDS = 10.0
"""How long to wait for a reply: longer than any provider does, so that a late reply is still seen."""


class HttpSender:
    """Sends requests to a receiver. `base` is the provider's URL, such as http://127.0.0.1:8000/voicenter.

    `auth` is user and password for HTTP basic authentication. Raises httpx.TransportError where nothing listens.
    """

    def __init__(self, client: httpx.AsyncClient, base: str, auth: tuple[str, str] | None = None) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._auth = auth

    async def __call__(self, request: OutgoingRequest) -> HttpReply | None:
        """The reply; None if none came within PATIENCE_SECONDS."""
        try:
            reply = await self._client.request(
                request.method,
                self._base + request.target,
                content=request.body,
                headers=dict(request.headers),
                auth=self._auth,
                timeout=PATIENCE_SECONDS,
            )
        except httpx.ReadTimeout:
            return None
        return HttpReply(reply.content, reply.headers.get("content-type", ""), reply.status_code)
