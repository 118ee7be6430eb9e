"""The dead man's switch: an address that is called while all is well, and that rings when no call comes."""

import logging

import httpx

from receiver.metrics import Metrics

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0


class Heartbeat:
    """Calls the address; what fails is logged once, and so is its end. The address is a secret and is not logged."""

    def __init__(self, url: str, http: httpx.AsyncClient, metrics: Metrics) -> None:
        self._url = url
        self._http = http
        self._metrics = metrics
        self._failed = 0

    async def beat(self) -> bool:
        """Call it once; whether that succeeded."""
        error = await self._call()
        self._metrics.heartbeat("failed" if error else "sent")
        if error and not self._failed:
            logger.error("the heartbeat could not be sent: %s", error)
        if not error and self._failed:
            logger.info("the heartbeat is sent again, after %d failures", self._failed)
        self._failed = self._failed + 1 if error else 0
        return not error

    async def _call(self) -> str:
        try:
            reply = await self._http.get(self._url, timeout=TIMEOUT_SECONDS, follow_redirects=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return type(error).__name__
        return "" if reply.is_success else f"HTTP status {reply.status_code}"
