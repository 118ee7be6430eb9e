"""Who may call: a secret in the path, a password, and a list of addresses (A-10). Providers sign nothing."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Refusal(Enum):
    """Why a request is not let in, with the status that goes out; the stranger learns nothing more."""

    SECRET = ("a wrong secret in the path", 404)
    ADDRESS = ("an address that is not on the list", 403)
    PASSWORD = ("no password, or a wrong one", 401)

    def __init__(self, reason: str, status: int) -> None:
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Trust:
    """What a request must show to be let in; each empty part lets everything pass."""

    secrets: tuple[bytes, ...] = ()
    """Of which one must stand in the path."""
    passwords: tuple[bytes, ...] = ()
    """`user:password` pairs for HTTP basic authentication."""
    networks: tuple[Network, ...] = ()
    """Addresses that requests may come from."""

    def __bool__(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.secrets or self.passwords or self.networks)

    def refusal(self, secret: str, authorization: str, address: str) -> Refusal | None:
        """Why a request is refused; None if it may come in. Secrets are compared in constant time."""
        if self.secrets and not _is_one_of(secret.encode(), self.secrets):
            return Refusal.SECRET
        if self.networks and not is_in(address, self.networks):
            return Refusal.ADDRESS
        if self.passwords and not _is_one_of(_basic(authorization), self.passwords):
            return Refusal.PASSWORD
        return None


def _is_one_of(given: bytes, known: Sequence[bytes]) -> bool:
    matches = [hmac.compare_digest(given, one) for one in known]  # all of them, whichever matches
    return any(matches)


def _basic(authorization: str) -> bytes:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; IPv4 that came over an IPv6 socket counts as IPv4."""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def peer_address(direct: str, headers: Mapping[str, str], header: str, proxies: Sequence[Network]) -> str:
    """The address a request comes from, as far as it can be believed.

    Only a trusted proxy is believed about who stands before it: its header is read from the right, past further
    trusted proxies, to the first address that is none. What a stranger writes there is never read.
    """
    if not is_in(direct, proxies):
        return direct
    hops = _forwarded_for(headers.get(header, "")) if header == "forwarded" else _list(headers.get(header, ""))
    for hop in reversed(hops):
        address = _without_port(hop)
        if _parse(address) is None:
            return direct  # a hop that hides itself: the last one that was believed counts
        if not is_in(address, proxies):
            return address
        direct = address
    return direct


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _forwarded_for(value: str) -> list[str]:
    """The `for=` of each element of a Forwarded header (RFC 7239)."""
    found = []
    for element in _list(value):
        pairs = (pair.partition("=") for pair in element.split(";"))
        found += [given.strip().strip('"') for name, _, given in pairs if name.strip().lower() == "for"]
    return found


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
