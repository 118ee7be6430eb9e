"""The templates of a deployment, filled with the values of a machine."""

import re
from collections.abc import Mapping
from importlib.resources import files

from receiver.cli.deployment.machine import Machine, Proxy

PROXY_FILES: Mapping[Proxy, str] = {"nginx": "nginx.conf", "caddy": "Caddyfile", "haproxy": "haproxy.cfg"}
"""The template of each proxy, and the name of its file."""
SETTINGS = "receiver.toml"
UNITS = ("receiver.socket", "receiver.service", "receiver-backup.service", "receiver-backup.timer")
WORKER_UNIT = "receiver-work.service"
"""Only of use with PostgreSQL."""
CERTIFICATE_HOOK = "haproxy-certificate.sh"
"""Run by certbot for HAProxy."""
HARDENING = "hardening.conf"
"""The lines that all services share."""

_PLACE = re.compile(r"\{\{(\w+)\}\}")


def render(name: str, machine: Machine, **others: object) -> str:
    """The text of one file for this machine; `others` replace values of its templates."""
    values = {**machine.values(), **others}
    values["hardening"] = _filled(_template(HARDENING), values).rstrip("\n")
    return _filled(_template(name), values)


def machine_files(machine: Machine) -> dict[str, str]:
    """Every file that a machine needs, by its name: settings, systemd units, and its proxy's configuration."""
    others = {
        WORKER_UNIT: machine.on_postgresql,
        CERTIFICATE_HOOK: machine.proxy == "haproxy" and not machine.certificate,
    }
    wanted = (SETTINGS, *UNITS, PROXY_FILES[machine.proxy], *(name for name, applies in others.items() if applies))
    return {name: render(name, machine) for name in wanted}


def _template(name: str) -> str:
    return files("receiver.cli.deployment").joinpath("templates", name).read_text(encoding="utf-8")


def _filled(text: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values[place[1]]), text)
