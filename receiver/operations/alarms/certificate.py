"""The certificate of the public address: providers refuse to call an address whose certificate has ended."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from receiver.operations.alarms.condition import Problem

CONNECT_SECONDS = 10.0
EVERY_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """When the certificate ends; None with an `error` where it is not valid."""

    ends_at: datetime | None
    error: str = ""


class Certificate:
    """An alarm so many days before the certificate of an https address ends, and while it is not valid.

    `context` decides which certificates are valid. An address that cannot be reached says nothing of its certificate.
    """

    name = "certificate"
    scope = ""
    patience = 0.0
    every = EVERY_SECONDS

    def __init__(self, url: str, days: int, context: ssl.SSLContext) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._days = days
        self._context = context
        self.ends_at: datetime | None = None
        """When it ends, as far as it is known."""

    async def read(self, now: datetime) -> CertificateFacts:
        """What the server shows. Raises OSError where it cannot be reached."""
        opening = asyncio.open_connection(self._host, self._port, ssl=self._context, server_hostname=self._host)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, writer = await opening
        except ssl.SSLCertVerificationError as error:
            return CertificateFacts(None, error.verify_message or str(error))
        shown = writer.get_extra_info("peercert") or {}
        writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
        self.ends_at = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
        return CertificateFacts(self.ends_at)

    def judge(self, facts: CertificateFacts, now: datetime) -> list[Problem]:
        """One problem, which says when it ends."""
        if facts.ends_at is None:
            return [Problem(f"the certificate of {self._host} is not valid: {facts.error}")]
        left = facts.ends_at - now
        if left.total_seconds() >= self._days * 86_400:
            return []
        end = facts.ends_at.isoformat(sep=" ", timespec="minutes")
        return [Problem(f"the certificate of {self._host} ends at {end}; days left: {left.days}")]
