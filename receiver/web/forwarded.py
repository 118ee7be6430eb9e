"""The address that a request comes from, behind trusted proxies."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


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
    """The address that a request comes from, as far as it can be trusted.

    Only a trusted proxy's header is read: from the right, past further trusted proxies, to the first address that is
    not one. What any other sender writes there is ignored. `value` has all lines of that header, in order, with commas
    between: some proxies add a line of their own.
    """
    if not is_in(direct, proxies):
        return direct
    hops = _forwarded_for(value) if header == "forwarded" else _list(value)
    for hop in reversed(hops):
        address = _without_port(hop)
        if _parse(address) is None:
            return direct  # an anonymised hop: the last trusted address counts
        if not is_in(address, proxies):
            return address
        direct = address
    return direct


def _list(value: str) -> list[str]:
    """The parts; an empty part is an anonymised hop, and is kept."""
    return [part.strip() for part in value.split(",")] if value.strip() else []


def _forwarded_for(value: str) -> list[str]:
    """The `for=` of each element of a Forwarded header (RFC 7239)."""
    found = []
    for element in _list(value):
        pairs = [pair.partition("=") for pair in element.split(";")]
        addresses = [given.strip().strip('"') for name, _, given in pairs if name.strip().lower() == "for"]
        found.append(addresses[-1] if addresses else "")
    return found


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
