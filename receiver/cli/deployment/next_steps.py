"""What to do with the files of a machine: the commands that put them in their places and start the receiver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from receiver.cli.deployment.machine import Machine, Proxy
from receiver.cli.deployment.rendering import CERTIFICATE_HOOK

FOLDER = "deploy"
"""Where the files that belong elsewhere are written, below the folder of the settings."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands with one purpose, for root in a shell."""

    title: str
    commands: tuple[str, ...]


def next_steps(machine: Machine) -> Sequence[Step]:
    """All steps from the written files to a receiver that was called through its public address."""
    return (_user(machine), _units(machine), *_PROXY_STEPS[machine.proxy](machine), _check(machine))


def _user(machine: Machine) -> Step:
    user, folder = machine.user, machine.folder
    return Step(
        "Create the user that the receiver runs as, and let it read the settings",
        (
            f"useradd --system --home-dir {machine.data} --shell /usr/sbin/nologin {user}",
            f"chgrp {user} {folder}/receiver.toml",
        ),
    )


def _units(machine: Machine) -> Step:
    return Step(
        "Start the receiver now and with the machine, and a backup each night",
        (
            f"cp {machine.folder}/{FOLDER}/receiver*.* /etc/systemd/system/",
            "systemctl daemon-reload",
            "systemctl enable --now receiver.socket receiver.service receiver-backup.timer",
        ),
    )


def _nginx(machine: Machine) -> tuple[Step, ...]:
    options = '--webroot --webroot-path /var/www/html --deploy-hook "systemctl reload nginx"'
    certificate = Step(
        "Get a certificate; nginx shows its first page at port 80 until then",
        (f"certbot certonly {options} --domain {machine.host}",),
    )
    place = Step(
        "Configure nginx",
        (
            f"cp {machine.folder}/{FOLDER}/nginx.conf /etc/nginx/conf.d/receiver.conf",
            "nginx -t && systemctl reload nginx",
        ),
    )
    return (place,) if machine.certificate else (certificate, place)


def _caddy(machine: Machine) -> tuple[Step, ...]:
    place = Step(
        "Configure Caddy" if machine.certificate else "Configure Caddy, which then gets a certificate by itself",
        (
            f"cp {machine.folder}/{FOLDER}/Caddyfile /etc/caddy/Caddyfile",
            "caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy",
        ),
    )
    return (place,)


def _haproxy(machine: Machine) -> tuple[Step, ...]:
    hook = f"/etc/letsencrypt/renewal-hooks/deploy/{CERTIFICATE_HOOK}"
    certificate = Step(
        "Get a certificate while port 80 is free; HAProxy passes its renewals on to port 8888",
        (
            f"certbot certonly --standalone --domain {machine.host}",
            f"echo 'http01_port = 8888' >> /etc/letsencrypt/renewal/{machine.host}.conf",
            f"install -m 0755 {machine.folder}/{FOLDER}/{CERTIFICATE_HOOK} {hook}",
            hook,
        ),
    )
    place = Step(
        "Configure HAProxy",
        (
            f"cp {machine.folder}/{FOLDER}/haproxy.cfg /etc/haproxy/haproxy.cfg",
            "haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",
        ),
    )
    return (place,) if machine.certificate else (certificate, place)


_PROXY_STEPS: Mapping[Proxy, Callable[[Machine], tuple[Step, ...]]] = {
    "nginx": _nginx,
    "caddy": _caddy,
    "haproxy": _haproxy,
}


def _check(machine: Machine) -> Step:
    command = f"runuser -u {machine.user} -- {machine.command} check --url {machine.public_url}"
    return Step("Call it through its public address, as a provider would", (f"cd {machine.folder} && {command}",))
