"""Access control (A-10): a secret in the path, a password, and a list of addresses."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from receiver.components import make_providers
from receiver.errors import SettingsError
from receiver.settings import Settings
from receiver.web.auth import access_policies, require_access_control
from receiver.web.forwarded import is_in, peer_address
from tests.support import running

SECRET, OTHER = "a-long-secret", "another-secret"
CDR = {"ivruniqueid": "0540000000"}


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
    """With any of the secrets; without one the reply is 404, and nothing is stored."""
    async with running(tmp_path, secrets=[SECRET, OTHER]) as receiver:
        reply = await receiver.client.post(path, json=CDR)
        assert reply.status_code == status
        assert len(receiver.callbacks()) == (status == 200)


async def test_a10_a_secret_is_neither_stored_nor_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The journal has the path without it, and a rejection does not repeat it."""
    caplog.set_level("DEBUG")
    async with running(tmp_path, secrets=[SECRET]) as receiver:
        await receiver.client.post(f"/{SECRET}/voicenter", json=CDR)
        reply = await receiver.client.post("/guessed-secret/voicenter", json=CDR)
        [stored] = receiver.callbacks()
    assert stored.path == "/voicenter"
    assert "secret" not in reply.text
    assert not any(SECRET in record.getMessage() for record in caplog.records if record.name.startswith("receiver"))


async def test_a10_a_wrong_secret_gets_no_readiness_line(tmp_path: Path) -> None:
    """An unauthenticated sender does not learn that there is a receiver."""
    async with running(tmp_path, secrets=[SECRET]) as receiver:
        assert (await receiver.client.get("/wrong-secret/voicenter")).status_code == 404
        assert (await receiver.client.get(f"/{SECRET}/voicenter")).status_code == 200


@pytest.mark.parametrize(("allowed", "status"), [("127.0.0.0/8", 200), ("192.0.2.0/24", 403)])
async def test_a10_callbacks_come_from_known_addresses(tmp_path: Path, allowed: str, status: int) -> None:
    """Others get a bare 403."""
    settings: dict[str, Any] = {"allow_from": allowed}
    async with running(tmp_path, **settings) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == status
        assert len(receiver.callbacks()) == (status == 200)


@pytest.mark.parametrize(
    ("peer", "inside"),
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
def test_addresses_are_compared_as_networks(peer: str, inside: bool) -> None:
    """IPv4 and IPv6, also IPv4 that came over an IPv6 socket."""
    assert is_in(peer, [ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")]) is inside


async def test_a10_a_password_is_checked_with_http_basic_authentication(tmp_path: Path) -> None:
    """A rejection names no user."""
    async with running(tmp_path, passwords=["voice:center-1234"]) as receiver:
        refused = await receiver.client.post("/voicenter", json=CDR)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Basic realm="receiver"')
        for user, password, status in (("voice", "center-1234", 200), ("voice", "wrong", 401), ("", "", 401)):
            reply = await receiver.client.post("/voicenter", json=CDR, auth=(user, password))
            assert reply.status_code == status
        odd = await receiver.client.post("/voicenter", json=CDR, headers={"Authorization": "Basic %%%"})
        assert odd.status_code == 401


async def test_a10_a_provider_may_have_its_own_access_control(tmp_path: Path) -> None:
    """In any combination; where a provider has no setting, the receiver's is used."""
    own = {"spokn": {"secrets": ["spokn-secret"], "allow_from": []}, "voicenter": {"secrets": []}}
    async with running(tmp_path, secrets=[SECRET], allow_from="127.0.0.1", providers=own) as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 200
        assert (await receiver.client.post("/spokn", data={"token": "t"})).status_code == 404
        assert (await receiver.client.post("/spokn-secret/spokn", data={"token": "t"})).status_code == 200
        assert (await receiver.client.post(f"/{SECRET}/spokn", data={"token": "t"})).status_code == 404


PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("direct", "value", "address"),
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "1.2.3.4, unknown", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "1.2.3.4, , 10.0.0.2", "10.0.0.2"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_the_header_of_a_trusted_proxy_is_read(direct: str, value: str, address: str) -> None:
    """It is read from the right, past trusted proxies; the rest, which a sender can forge, is ignored."""
    assert peer_address(direct, value, "x-forwarded-for", PROXIES) == address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('for=1.2.3.4, For="[2001:db8::1]:80";proto=https;by=10.0.0.1', "2001:db8::1"),
        ("for=198.51.100.1;proto=https, for=10.0.0.2", "198.51.100.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=198.51.100.1, proto=https", "10.0.0.1"),
        ("for=198.51.100.1, by=10.0.0.9;proto=https, for=10.0.0.2", "10.0.0.2"),
    ],
)
def test_the_forwarded_header_is_read_if_it_is_configured(value: str, address: str) -> None:
    """Its elements have more than addresses."""
    assert peer_address("10.0.0.1", value, "forwarded", PROXIES) == address


@pytest.mark.parametrize(
    ("chosen", "headers", "status"),
    [
        ("x-forwarded-for", [("X-Forwarded-For", "198.51.100.1")], 200),
        ("x-forwarded-for", [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "192.0.2.1")], 403),
        ("x-forwarded-for", [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "198.51.100.1")], 200),
        ("x-forwarded-for", [("Forwarded", "for=198.51.100.1")], 403),
        ("forwarded", [("Forwarded", "for=198.51.100.1"), ("X-Forwarded-For", "192.0.2.1")], 200),
        ("forwarded", [("X-Forwarded-For", "198.51.100.1")], 403),
    ],
)
async def test_all_lines_of_the_configured_header_are_read_and_none_of_the_other(
    tmp_path: Path, chosen: str, headers: list[tuple[str, str]], status: int
) -> None:
    """Some proxies add a line instead of extending the sender's; they do not change the other header."""
    trust = {"trusted_proxies": "127.0.0.1", "allow_from": "198.51.100.0/24", "forwarded_header": chosen}
    async with running(tmp_path, **trust) as receiver:
        reply = await receiver.client.post("/voicenter", json=CDR, headers=headers)
        assert reply.status_code == status


async def test_the_journal_has_the_address_behind_a_trusted_proxy(tmp_path: Path) -> None:
    """The address list is checked against that address; a spoofed header from elsewhere has no effect."""
    spoofed = {"X-Forwarded-For": "198.51.100.1"}
    async with running(tmp_path, trusted_proxies="127.0.0.1", allow_from="198.51.100.0/24") as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR, headers=spoofed)).status_code == 200
        assert (await receiver.client.post("/voicenter", json=CDR)).status_code == 403
        [stored] = receiver.callbacks()
    assert stored.peer == "198.51.100.1"
    async with running(tmp_path, allow_from="198.51.100.0/24") as receiver:
        assert (await receiver.client.post("/voicenter", json=CDR, headers=spoofed)).status_code == 403


@pytest.mark.parametrize(
    ("settings", "refuses"),
    [
        ({"host": "127.0.0.1"}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "192.0.2.1"}, True),
        ({"host": "0.0.0.0", "allow_anyone": True}, False),
        ({"host": "0.0.0.0", "secrets": [SECRET]}, False),
        ({"host": "0.0.0.0", "providers": {"voicenter": {"secrets": [SECRET]}}}, True),
        ({"host": "0.0.0.0", "allow_from": "192.0.2.0/24"}, False),
    ],
)
def test_the_receiver_does_not_start_on_a_public_address_without_access_control(
    settings: dict[str, Any], refuses: bool
) -> None:
    """The message names the settings that add access control, and the one that allows anyone."""
    made = Settings(**settings)
    trust = access_policies(made, make_providers(made))
    if not refuses:
        require_access_control(made, make_providers(made), trust)
        return
    with pytest.raises(SettingsError, match=r"secrets.*passwords.*allow_from.*allow_anyone = true"):
        require_access_control(made, make_providers(made), trust)
