"""Downloading recordings, synchronously. Made from `recording.py`: change that file."""

import os
from collections.abc import Collection
from pathlib import Path

import httpx

from receiver.providers.base.api.errors import (
    HTTP_ERRORS,
    ParameterError,
    ProviderReplyError,
    TransportError,
    error_of,
)
from receiver.providers.base.api.exchange import hide_query
from receiver.providers.base.api.recording_rules import MAX_BYTES, MAX_REDIRECTS, TIMEOUT, allowed_url


def fetch_recording(
    url: str,
    path: str | Path,
    *,
    hosts: Collection[str],
    max_bytes: int = MAX_BYTES,
    transport: httpx.BaseTransport | None = None,
) -> Path:
    """Download a recording to the file `path`, which appears when it is complete; returns the path.

    `hosts` are the only hosts it may come from: `records.example.com`, or `*.example.com` for all below. Redirects are
    followed to these alone. Raises ParameterError for other hosts and for no recording, ProviderReplyError beyond
    `max_bytes`, ProviderError for an HTTP error and TransportError where no reply came.
    """
    target, part = Path(path), Path(f"{path}.part")
    try:
        with httpx.Client(timeout=TIMEOUT, transport=transport) as client:
            for _ in range(MAX_REDIRECTS + 1):
                request = hide_query(client.build_request("GET", allowed_url(url, hosts)))
                response = client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        _save(response, part, max_bytes)
                        os.replace(part, target)
                        return target
                    url = str(response.next_request.url)
                finally:
                    response.close()
    except httpx.HTTPError as error:
        raise TransportError(f"the recording did not come: {type(error).__name__}: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    raise ParameterError(f"the recording is redirected more than {MAX_REDIRECTS} times")


def _save(response: httpx.Response, part: Path, max_bytes: int) -> None:
    if response.status_code != httpx.codes.OK:
        raise error_of(HTTP_ERRORS, response.status_code, f"HTTP status {response.status_code}")
    size = 0
    with part.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > max_bytes:
                raise ProviderReplyError(f"the recording is longer than {max_bytes} bytes", response.status_code)
            file.write(chunk)
