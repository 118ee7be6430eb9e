"""Who may call: a secret in the path, a password, and a list of addresses (A-10). Providers sign nothing."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from receiver.web.refusals import Refusal

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


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

    def refusals(self, secret: str, authorization: str, address: str) -> tuple[Refusal, ...]:
        """Every reason why a request is refused; none if it may come in. Secrets are compared in constant time."""
        if not self:
            return ()
        refused = {
            Refusal.SECRET: self.secrets and not _is_one_of(secret.encode(), self.secrets),
            Refusal.ADDRESS: self.networks and not is_in(address, self.networks),
            Refusal.PASSWORD: self.passwords and not _is_one_of(_basic(authorization), self.passwords),
        }
        return tuple(refusal for refusal, is_refused in refused.items() if is_refused)


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


def peer_address(direct: str, value: str, header: str, proxies: Sequence[Network]) -> str:
    """The address a request comes from, as far as it can be believed.

    Only a trusted proxy is believed about who stands before it: its header is read from the right, past further
    trusted proxies, to the first address that is none. What a stranger writes there is never read. `value` has all
    lines of that header, in order, with commas between: some proxies add a line of their own.
    """
    if not is_in(direct, proxies):
        return direct
    hops = _forwarded_for(value) if header == "forwarded" else _list(value)
    for hop in reversed(hops):
        address = _without_port(hop)
        if _parse(address) is None:
            return direct  # a hop that hides itself: the last one that was believed counts
        if not is_in(address, proxies):
            return address
        direct = address
    return direct


def _list(value: str) -> list[str]:
    """An empty part is somebody who hides: it is kept."""
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _forwarded_for(value: str) -> list[str]:
    """The `for=` of each element of a Forwarded header (RFC 7239)."""
    found = []
    for element in _list(value):
        pairs = [pair.partition("=") for pair in element.split(";")]
        told = [given.strip().strip('"') for name, _, given in pairs if name.strip().lower() == "for"]
        found.append(told[-1] if told else "")
    return found


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
