"""Who may call: a secret in the path, and a list of addresses (A-10). Providers sign nothing."""

import hmac
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from pydantic import SecretStr

Network = IPv4Network | IPv6Network


class Trust:
    """Lets a request in or does not, and says nothing about why to the stranger."""

    def __init__(self, secrets: Sequence[SecretStr], allow_from: Sequence[Network]) -> None:
        self._secrets = [secret.get_secret_value().encode() for secret in secrets]
        self._networks = tuple(allow_from)

    @property
    def has_secrets(self) -> bool:
        """Whether callback URLs begin with a secret."""
        return bool(self._secrets)

    def admits_address(self, peer: str) -> bool:
        """Whether a request may come from that address; any may where no list is set."""
        if not self._networks:
            return True
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)

    def admits_secret(self, secret: str) -> bool:
        """Whether that is one of the secrets; each is compared in constant time."""
        given = secret.encode()
        matches = [hmac.compare_digest(given, known) for known in self._secrets]  # all of them, whichever matches
        return any(matches)
