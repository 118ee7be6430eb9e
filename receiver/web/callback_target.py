"""Where a provider's callbacks arrive, for those who send some: the address, the secret and the password."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from receiver.errors import SettingsError
from receiver.providers.base.contract import Provider
from receiver.settings import Settings
from receiver.web.auth import access_policies

_REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - not a bind
"""Addresses to listen on that are no addresses to call."""


@dataclass(frozen=True, slots=True)
class CallbackTarget:
    """Where a provider's callbacks arrive, and what they must show."""

    origin: str
    """Scheme, host and port, such as http://127.0.0.1:8000; with a path only below a reverse proxy."""
    path: str
    """The provider's path, without the secret."""
    secret: str = ""
    auth: tuple[str, str] | None = None
    """User and password."""

    @property
    def base(self) -> str:
        """The address to send to; it holds the secret."""
        return f"{self.origin}{f'/{self.secret}' if self.secret else ''}{self.path}"

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return f"{self.origin}{'/SECRET' if self.secret else ''}{self.path}"

    @property
    def host_and_port(self) -> tuple[str, int]:
        """What to connect to."""
        parts = urlsplit(self.origin)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def callback_target(settings: Settings, provider: Provider[Any], url: str = "") -> CallbackTarget:
    """The target by the settings. `url` is the receiver's address, or one that ends with the provider's path.

    The first secret and the first password are used; an address with the path has the secret that it needs already.
    Raises SettingsError if `url` is not an address.
    """
    policy = access_policies(settings, {provider.name: provider})[provider.name]
    user, _, password = policy.passwords[0].decode().partition(":") if policy.passwords else ("", "", "")
    auth = (user, password) if policy.passwords else None
    origin = (url or own_address(settings)).rstrip("/")
    _check(origin)
    if urlsplit(origin).path.endswith(provider.path):
        return CallbackTarget(origin.removesuffix(provider.path), provider.path, auth=auth)
    secret = policy.secrets[0].decode() if policy.secrets else ""
    return CallbackTarget(origin, provider.path, secret, auth)


def own_address(settings: Settings) -> str:
    """The address that a receiver with these settings listens on, as a program on this machine calls it."""
    host = _REACHABLE.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    return f"http://{host}:{settings.port}"


def _check(origin: str) -> None:
    try:
        parts = urlsplit(origin)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingsError(f"--url: {origin!r} is not an address; write one like http://127.0.0.1:8000")
