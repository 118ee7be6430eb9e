"""Where recordings may come from, and how long they may be."""

from collections.abc import Collection

import httpx

from receiver.providers.base.api.errors import ParameterError

MAX_BYTES = 256 * 1024 * 1024
"""Longest recording: nine hours of MP3 at 64 kbit/s."""
MAX_REDIRECTS = 3
TIMEOUT = 30.0
"""Seconds without a byte."""


def allowed_url(url: str, hosts: Collection[str]) -> httpx.URL:
    """The URL, if it is on one of the hosts. Raises ParameterError."""
    if not url:
        raise ParameterError("there is no recording: the call record names none")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ParameterError("the recording's address cannot be read") from None
    if parsed.scheme not in {"http", "https"} or parsed.userinfo:
        raise ParameterError("the recording's address is no plain http:// or https:// address")
    if not any(_matches(parsed.host.lower(), host.lower()) for host in hosts):
        raise ParameterError(f"recordings may not come from {parsed.host}: add it to `hosts` if you trust it")
    return parsed


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
