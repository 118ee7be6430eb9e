"""What a probe of the public address says is wrong."""

from typing import Any

import pytest

from receiver.providers.spokn.options import SpoknOptions
from receiver.providers.spokn.provider import Spokn
from receiver.web.url_check import Probe

SEEN: dict[str, Any] = {"refused": []}


@pytest.mark.parametrize(
    ("error", "status", "seen", "says"),
    [
        ("", 200, SEEN, ""),
        ("", 403, {"refused": ["ADDRESS"]}, ""),  # this machine's own address, not that of the provider
        ("", 404, {"refused": ["SECRET"]}, "the receiver refused a wrong secret in the path, or none"),
        ("", 401, {"refused": ["ADDRESS", "PASSWORD"]}, "the receiver refused no password, or a wrong one"),
        ("", 502, None, "it answered 502, and the request did not arrive at a receiver"),
        ("", 301, None, "it answered 301, and the request did not arrive at a receiver"),
        ("", 500, SEEN, "it answered 500"),
        ("Connection refused", 0, None, "it cannot be reached (Connection refused)"),
    ],
)
def test_a_probe_says_what_would_keep_callbacks_out(
    error: str, status: int, seen: dict[str, Any] | None, says: str
) -> None:
    """In the text of the alarm."""
    provider = Spokn(SpoknOptions())
    assert Probe(provider, "https://calls.example.com/spokn", error, status, seen).problem == says
