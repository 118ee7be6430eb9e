"""What the files of a deployment differ in: the values of one machine."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from receiver.errors import SettingsError

Proxy = Literal["nginx", "caddy", "haproxy"]
PROXIES: tuple[Proxy, ...] = ("nginx", "caddy", "haproxy")
STATE = "/var/lib/"
"""Below it systemd creates a service's data folder by itself."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PATH = re.compile(r"/[A-Za-z0-9._/+@-]+")
_CADDY_FETCHES = (
    "# Caddy fetches the certificate by itself, and renews it: ports 80 and 443 must be reachable from outside."
)
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. Raises SettingsError for a value that the files could not hold, and says what to write."""

    public_url: str
    """The address that providers call: https, a host name, and a port if it is not 443."""
    secret: str
    """The secret in the path of callbacks."""
    proxy: Proxy = "nginx"
    """The program that listens on the public address."""
    command: str = "/opt/receiver/bin/receiver"
    """The installed `receiver` command, or Python with `-m receiver`."""
    folder: str = "/etc/receiver"
    """The folder of receiver.toml and handlers/."""
    data: str = "/var/lib/receiver"
    """The folder of the journal, the spool and the backups."""
    user: str = "receiver"
    """The system user that the receiver runs as."""
    listen_host: str = "127.0.0.1"
    """The address that the receiver listens on, and the proxy connects to."""
    port: int = 8000
    """The port of the same."""
    database_url: str = ""
    """The journal's database; empty for an SQLite file in `data`."""
    certificate: str = ""
    """The file of the certificate; empty for the place where certbot, or HAProxy's users, put it."""
    certificate_key: str = ""
    """The file of the certificate's key, which HAProxy expects in the same file."""
    http_port: int = 80
    """The port on which the proxy answers 404, and proves to a certificate authority that the host is its own."""
    request_seconds: int = 15
    """How long the proxy waits for the next part of a request."""
    retry_seconds: int = 5
    """How long Caddy and HAProxy try to connect to a receiver that is just starting again."""

    def __post_init__(self) -> None:
        address = self._address
        if address.scheme != "https" or not _HOST.fullmatch(self.host) or _is_address(self.host) or address.path:
            raise SettingsError(
                f"public_url: {self.public_url!r} is not an address that a certificate can be for; "
                "write https and a host name, such as https://calls.example.com"
            )
        paths = {
            "command": self.command.removesuffix(" -m receiver"),
            "folder": self.folder,
            "data": self.data,
            "certificate": self.certificate or "/default",
            "certificate_key": self.certificate_key or "/default",
        }
        for name, path in paths.items():
            if not _PATH.fullmatch(path):
                raise SettingsError(f"{name}: write an absolute path without blanks, not {path!r}")
        if not _USER.fullmatch(self.user):
            raise SettingsError(f"user: {self.user!r} is no name of a system user; write one such as receiver")
        if re.search(r'["\\\x00-\x1f\x7f]', self.database_url):
            raise SettingsError("database_url: write quotation marks and backslashes in it as %22 and %5C")

    @property
    def _address(self) -> SplitResult:
        try:
            address = urlsplit(self.public_url.rstrip("/"))
            _ = address.port  # raises for what is no port
        except ValueError as error:
            raise SettingsError(f"public_url: {self.public_url!r} is not an address: {error}") from error
        return address

    @property
    def host(self) -> str:
        """The host name of the public address."""
        return self._address.hostname or ""

    @property
    def https_port(self) -> int:
        """The port of the public address."""
        return self._address.port or 443

    @property
    def upstream(self) -> str:
        """Host and port that the receiver listens on."""
        return f"{self.listen_host}:{self.port}"

    @property
    def on_postgresql(self) -> bool:
        """Whether the journal is on a PostgreSQL server."""
        return self.database_url.startswith("postgres")

    def values(self) -> dict[str, object]:
        """What the templates name, without the text that several of them share."""
        key_and_certificate = f"/etc/letsencrypt/live/{self.host}"
        certificate = (
            f"/etc/haproxy/certs/{self.host}.pem" if self.proxy == "haproxy" else f"{key_and_certificate}/fullchain.pem"
        )
        key = self.certificate_key or f"{key_and_certificate}/privkey.pem"
        return {
            "public_url": self._address.geturl(),
            "site": self._address.geturl(),
            "host": self.host,
            "https_port": self.https_port,
            "http_port": self.http_port,
            "upstream": self.upstream,
            "listen_host": self.listen_host,
            "port": self.port,
            "secret": self.secret,
            "command": self.command,
            "folder": self.folder,
            "data": self.data,
            "user": self.user,
            "database_url": self.database_url or f"sqlite:///{self.data}/receiver.db",
            "certificate": self.certificate or certificate,
            "caddy_certificate": "# The certificate is yours to renew: `systemctl reload caddy` afterwards."
            if self.certificate
            else _CADDY_FETCHES,
            "caddy_tls": f"\ttls {self.certificate} {key}\n\n" if self.certificate else "",
            "certificate_key": key,
            "request_seconds": self.request_seconds,
            "retry_seconds": self.retry_seconds,
            "after_database": " postgresql.service" if self.on_postgresql else "",
            "protect_home": "read-only" if _is_at_home(self.folder) or _is_at_home(self.command) else "yes",
            "data_folder": _data_folder(self.data),
        }


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_at_home(path: str) -> bool:
    """Whether a service with ProtectHome=yes could not see a path: systemd hides the homes and the run-time folders."""
    first, second = (*PurePosixPath(path).parts[1:], "", "")[:2]
    return first in {"home", "root"} or (first, second) == ("run", "user")


def _data_folder(data: str) -> str:
    """The lines of a unit that let it write into its data folder; below /var/lib systemd also creates it."""
    name = data.removeprefix(STATE)
    if data.startswith(STATE) and "/" not in name.rstrip("/"):
        return f"StateDirectory={name}\nStateDirectoryMode=0700"
    return f"ReadWritePaths={data}"
