"""Access control: a secret in the path, a password, a list of addresses (A-10)."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from pydantic import SecretStr

from receiver.errors import SettingsError
from receiver.providers.base.contract import Provider
from receiver.settings import Settings
from receiver.web.forwarded import Network, is_in
from receiver.web.rejections import Rejection


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What a request must show to be accepted; each empty part accepts everything."""

    secrets: tuple[bytes, ...] = ()
    """One of them must be in the path."""
    passwords: tuple[bytes, ...] = ()
    """`user:password` pairs for HTTP basic authentication."""
    networks: tuple[Network, ...] = ()
    """Addresses that requests may come from."""

    def __bool__(self) -> bool:
        """Whether the policy requires anything."""
        return bool(self.secrets or self.passwords or self.networks)

    def rejections(self, secret: str, authorization: str, address: str) -> tuple[Rejection, ...]:
        """Every reason to reject a request; none if it is accepted. Secrets are compared in constant time."""
        if not self:
            return ()
        found = {
            Rejection.SECRET: self.secrets and not _is_one_of(secret.encode(), self.secrets),
            Rejection.ADDRESS: self.networks and not is_in(address, self.networks),
            Rejection.PASSWORD: self.passwords and not _is_one_of(_basic(authorization), self.passwords),
        }
        return tuple(rejection for rejection, applies in found.items() if applies)


def _is_one_of(given: bytes, known: Sequence[bytes]) -> bool:
    matches = [hmac.compare_digest(given, one) for one in known]  # all of them, so that the time says nothing
    return any(matches)


def _basic(authorization: str) -> bytes:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def access_policies(settings: Settings, providers: Mapping[str, Provider[Any]]) -> dict[str, AccessPolicy]:
    """The access policy of each provider that sends callbacks: its own settings, else the receiver's."""
    return {
        name: AccessPolicy(
            secrets=_revealed(settings.secrets if provider.options.secrets is None else provider.options.secrets),
            passwords=_revealed(
                settings.passwords if provider.options.passwords is None else provider.options.passwords
            ),
            networks=tuple(settings.allow_from if provider.options.allow_from is None else provider.options.allow_from),
        )
        for name, provider in providers.items()
        if provider.endpoints
    }


def _revealed(secrets: Sequence[SecretStr]) -> tuple[bytes, ...]:
    return tuple(secret.get_secret_value().encode() for secret in secrets)


def require_access_control(
    settings: Settings, providers: Mapping[str, Provider[Any]], policies: Mapping[str, AccessPolicy]
) -> None:
    """Reject settings that open a provider's callbacks on a public address to anyone. Raises SettingsError."""
    anyone = [name for name, policy in policies.items() if not (policy or providers[name].has_signature)]
    if settings.allow_anyone or not anyone or is_loopback(settings.host):
        return
    raise SettingsError(
        f"host = {settings.host!r} is a public address, and {', '.join(anyone)} has no access control: set "
        "`secrets`, `passwords` or `allow_from`, or write `allow_anyone = true` if that is what you want"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
