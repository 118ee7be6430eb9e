"""Who may call (A-10): a secret in the path, and a list of addresses."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from receiver.web.trust import Trust
from tests.support import running

SECRET, OTHER = "a-long-secret", "another-secret"
CDR = {"caller": "0540000000"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/{SECRET}/voicenter", 200),
        (f"/{OTHER}/voicenter/", 200),
        (f"/{SECRET}/voicenter/cdr", 200),
        ("/voicenter", 404),
        ("/wrong-secret/voicenter", 404),
        (f"/{SECRET}x/voicenter", 404),
        (f"/{SECRET}", 404),
    ],
)
async def test_a10_callbacks_arrive_below_a_secret(tmp_path: Path, path: str, status: int) -> None:
    """Any of the secrets opens the door; without one there is no such page, and nothing is stored."""
    async with running(tmp_path, secrets=[SECRET, OTHER]) as receiver:
        reply = await receiver.client.post(path, json=CDR)
        assert reply.status_code == status
        assert len(receiver.callbacks()) == (status == 200)


async def test_a10_a_secret_is_neither_stored_nor_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The journal has the path without it, and a refusal does not repeat what was tried."""
    caplog.set_level("DEBUG")
    async with running(tmp_path, secrets=[SECRET]) as receiver:
        await receiver.client.post(f"/{SECRET}/voicenter", json=CDR)
        reply = await receiver.client.post("/guessed-secret/voicenter", json=CDR)
        [stored] = receiver.callbacks()
    assert stored.path == "/voicenter"
    assert "secret" not in reply.text
    assert not any(SECRET in record.getMessage() for record in caplog.records if record.name.startswith("receiver"))


async def test_a10_a_wrong_secret_is_told_before_readiness(tmp_path: Path) -> None:
    """A stranger does not learn that there is a receiver."""
    async with running(tmp_path, secrets=[SECRET]) as receiver:
        assert (await receiver.client.get("/wrong-secret/voicenter")).status_code == 404
        assert (await receiver.client.get(f"/{SECRET}/voicenter")).status_code == 200


@pytest.mark.parametrize(("allowed", "status"), [("127.0.0.0/8", 200), ("192.0.2.0/24", 403)])
async def test_a10_callbacks_come_from_known_addresses(tmp_path: Path, allowed: str, status: int) -> None:
    """Others are forbidden without detail."""
    settings: dict[str, Any] = {"allow_from": allowed}
    async with running(tmp_path, **settings) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == status
        assert len(receiver.callbacks()) == (status == 200)


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("192.0.3.7", False),
        ("2001:db9::1", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_addresses_are_compared_as_networks(peer: str, admitted: bool) -> None:
    """IPv4 and IPv6, also IPv4 that came over an IPv6 socket."""
    trust = Trust([], [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    assert trust.admits_address(peer) is admitted


def test_without_a_list_every_address_may_call() -> None:
    """Trust is what the operator makes of it."""
    assert Trust([], []).admits_address("192.0.2.7")
