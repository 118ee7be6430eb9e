"""nginx, Caddy and HAProxy as Debian has them, with the files that `receiver init` writes, in front of a receiver."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import trustme

from receiver.cli.deployment.machine import PROXIES, Machine, Proxy
from receiver.cli.deployment.rendering import PROXY_FILES, render
from tests.scenarios.serving import free_port

SECRET = "a-secret-that-is-in-no-log"
PACKAGES: Mapping[Proxy, str] = {"nginx": "nginx-light", "caddy": "caddy", "haproxy": "haproxy"}
"""The Debian package of each."""


def program(proxy: Proxy) -> str | None:
    """The path of a proxy's program, if it is installed; users have no /usr/sbin in their PATH."""
    return shutil.which(proxy, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


MISSING = [PACKAGES[proxy] for proxy in PROXIES if program(proxy) is None]


@dataclass(frozen=True)
class Running:
    """A proxy that listens, and how to call it."""

    machine: Machine
    folder: Path
    authority: Path
    """The certificate of whoever issued the proxy's."""

    @property
    def trust(self) -> ssl.SSLContext:
        """What a sender checks the proxy's certificate with."""
        return ssl.create_default_context(cafile=str(self.authority))

    @property
    def url(self) -> str:
        """The public URL of the callbacks, with the secret."""
        return f"{self.machine.public_url}/{SECRET}"

    def client(self, sender: str = "127.0.0.1") -> httpx.Client:
        """A sender of callbacks with an address of its own; it checks the certificate."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=sender)
        return httpx.Client(transport=transport, timeout=30)

    def connect(self) -> ssl.SSLSocket:
        """A connection for requests that no HTTP client would send."""
        plain = socket.create_connection(("127.0.0.1", self.machine.https_port), timeout=4)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.trust.wrap_socket(plain, server_hostname=self.machine.host)

    def logged(self) -> str:
        """Everything that the proxy has written to its folder, apart from what it was given."""
        given = {*PROXY_FILES.values(), "certificate.pem", "key.pem"}
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in given]
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


@contextmanager
def running_proxy(proxy: Proxy, folder: Path, port: int) -> Iterator[Running]:
    """A proxy in front of a receiver on that port of 127.0.0.1, stopped at the end."""
    machine = example(proxy, folder, port)
    command = PREPARE[proxy](folder, machine)
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [str(program(proxy)), *command],
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        authority = folder / "authority.pem"
        if proxy == "caddy":
            authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        _wait(lambda: authority.exists() and _listens(machine), process, folder)
        yield Running(machine, folder, authority)
    finally:
        process.terminate()
        process.wait(20)


def example(proxy: Proxy, folder: Path, port: int) -> Machine:
    """A machine whose public address is a free port of this one, with a certificate that was made for it."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return Machine(
        f"https://localhost:{free_port()}",
        SECRET,
        proxy,
        port=port,
        certificate=str(certificate),
        certificate_key=str(key),
        http_port=free_port(),
        request_seconds=1,
        retry_seconds=1,
    )


def _nginx(folder: Path, machine: Machine) -> list[str]:
    """As Debian's nginx.conf includes conf.d, with its logs; all files in the folder."""
    (folder / "nginx.conf").write_text(render("nginx.conf", machine))
    paths = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""  # the folder of a test is for its user alone
    (folder / "main.conf").write_text(
        f"{user}daemon off; pid nginx.pid; error_log error.log info; events {{}}\n"
        f"http {{ access_log access.log; {paths} include {folder}/nginx.conf; }}\n"
    )
    return ["-p", str(folder), "-c", "main.conf", "-e", "error.log"]


def _caddy(folder: Path, machine: Machine) -> list[str]:
    """With a certificate authority of its own, as no other one can reach this machine; and no port for its API."""
    ours = f"\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port {machine.http_port}\n"
    text = render("Caddyfile", replace(machine, certificate="", certificate_key="")).replace("{\n", "{\n" + ours, 1)
    (folder / "Caddyfile").write_text(text)
    return ["run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def _haproxy(folder: Path, machine: Machine) -> list[str]:
    """Without the user and the folder that Debian's package creates, and with its log on standard output."""
    lines = render("haproxy.cfg", machine).splitlines()
    kept = [line for line in lines if not line.strip().startswith(("user ", "group ", "chroot "))]
    text = "\n".join(kept).replace("log /dev/log local0", "log stdout format raw local0")
    (folder / "haproxy.cfg").write_text(text + "\n")
    return ["-db", "-f", "haproxy.cfg"]


PREPARE: Mapping[Proxy, Callable[[Path, Machine], list[str]]] = {"nginx": _nginx, "caddy": _caddy, "haproxy": _haproxy}
"""What writes each proxy's files to a folder; it returns the arguments to start it with."""


def _listens(machine: Machine) -> bool:
    for port in (machine.https_port, machine.http_port):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return False
    return True


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until a proxy is ready, at most 20 seconds."""
    until = time.monotonic() + 20
    while not ready():
        said = (folder / "output.log").read_text(errors="replace")
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)
