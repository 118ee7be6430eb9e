"""Call the receiver's public address as a provider would, and read from the journal what a receiver saw."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import orjson

from receiver.providers.base.contract import Provider
from receiver.web.auth import AccessPolicy
from receiver.web.probe import HEADER
from receiver.web.rejections import Rejection
from storage import Database, probes

WAIT_SECONDS = 3.0
"""For the receiver to store what it saw."""
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One request through the public address: what came back, and what the receiver saw (None: nothing arrived)."""

    provider: Provider[Any]
    address: str
    """Without the secret."""
    error: str
    status: int
    seen: dict[str, Any] | None

    @property
    def problem(self) -> str:
        """What would keep the provider's callbacks out; empty for nothing.

        That this machine's own address is not on the list says nothing of the provider's.
        """
        if self.error:
            return f"it cannot be reached ({self.error})"
        if self.seen is None:
            return f"it answered {self.status}, and the request did not arrive at a receiver"
        refused = [Rejection[name] for name in self.seen["refused"] if name != Rejection.ADDRESS.name]
        if refused:
            return f"the receiver refused {refused[0].reason}"
        is_own_address = self.seen["refused"] and self.status == Rejection.ADDRESS.status
        return "" if self.status == httpx.codes.OK or is_own_address else f"it answered {self.status}"


async def probe_all(
    providers: Mapping[str, Provider[Any]],
    policies: Mapping[str, AccessPolicy],
    database: Database,
    http: httpx.AsyncClient,
    url: str,
) -> AsyncIterator[Probe]:
    """Call the URL of each provider below this address. Raises StoreError."""
    for name, policy in policies.items():
        provider = providers[name]
        token = await database.write(probes.create)
        shown = url + ("/SECRET" if policy.secrets else "") + provider.path
        error, status = await _call(http, url, provider, policy, token)
        yield Probe(provider, shown, error, status, await _seen(database, token) if not error else None)


async def _call(
    http: httpx.AsyncClient, url: str, provider: Provider[Any], policy: AccessPolicy, token: str
) -> tuple[str, int]:
    secret = f"/{policy.secrets[0].decode()}" if policy.secrets else ""
    user, _, password = policy.passwords[0].decode().partition(":") if policy.passwords else ("", "", "")
    try:
        reply = await http.get(
            f"{url}{secret}{provider.path}",
            headers={HEADER: token},
            auth=(user, password) if policy.passwords else None,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__, 0
    return "", reply.status_code


async def _seen(database: Database, token: str) -> dict[str, Any] | None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        if text := await database.read(partial(probes.result, token=token)):
            seen: dict[str, Any] = orjson.loads(text)
            return seen
        if time.monotonic() > until:
            return None
        await asyncio.sleep(POLL_SECONDS)
