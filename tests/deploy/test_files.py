"""The files of deploy/ that have a template, and the systemd units as systemd reads them."""

import re
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receiver.cli.deployment.machine import PROXIES, Proxy
from receiver.cli.deployment.rendering import UNITS, WORKER_UNIT, machine_files, render
from receiver.components import load_components
from receiver.errors import SettingsError
from receiver.settings import Settings
from tests.deploy.generate import DEPLOY, EXAMPLE, generated

SERVICES = [name for name in (*UNITS, WORKER_UNIT) if name.endswith(".service")]
without_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed: apt-get install systemd"
)


@pytest.mark.parametrize("name", generated())
def test_a_file_in_deploy_is_its_template_with_the_values_of_the_example(name: str) -> None:
    """`python -m tests.deploy.generate` writes them."""
    assert (DEPLOY / name).read_text(encoding="utf-8") == generated()[name]


@pytest.mark.parametrize("proxy", PROXIES)
def test_every_place_in_the_templates_is_filled(proxy: Proxy) -> None:
    """Also in the files of a machine with all its values set."""
    machine = replace(EXAMPLE, proxy=proxy, database_url="postgresql://receiver@db.example.com/calls")
    files = machine_files(machine)
    assert {"receiver.toml", "receiver-work.service", "receiver.socket"} <= files.keys()
    assert not [name for name, text in files.items() if "{{" in text]


def test_the_settings_are_valid_with_and_without_the_examples() -> None:
    """What stands behind # is a setting that exists."""
    text = render("receiver.toml", EXAMPLE)
    plain = Settings(**tomllib.loads(text))
    assert plain.database_url.get_secret_value() == "sqlite:////var/lib/receiver/receiver.db"
    with_examples = re.sub(r"^#(?! )", "", text.replace('handlers = ["handlers.demo"]\n', ""), flags=re.MULTILINE)
    settings = Settings(**tomllib.loads(with_examples))
    assert (settings.keep_days, settings.handlers) == (365, ["handlers.front_desk"])
    assert load_components(settings.model_copy(update={"handlers": []})).providers["voicenter"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"public_url": "http://calls.example.com"}, "write https and a host name, such as https://calls.example.com"),
        ({"public_url": "https://203.0.113.7"}, "write https and a host name"),
        ({"public_url": "https://calls.example.com/path"}, "write https and a host name"),
        ({"public_url": "https://calls.example.com; }"}, "write https and a host name"),
        ({"public_url": "https://calls.example.com:http"}, "is not an address"),
        ({"folder": "etc/receiver"}, "folder: write an absolute path without blanks"),
        ({"data": "/var/lib/my calls"}, "data: write an absolute path without blanks"),
        ({"certificate": "my.pem"}, "certificate: write an absolute path"),
        ({"user": "root;"}, "user: 'root;' is no name of a system user"),
        ({"database_url": 'postgresql://u:"@h/d'}, "database_url: write quotation marks and backslashes"),
    ],
)
def test_a_value_that_a_file_cannot_hold_is_refused(values: dict[str, Any], says: str) -> None:
    """Each is written into several files, whose rules differ."""
    with pytest.raises(SettingsError, match=re.escape(says)):
        replace(EXAMPLE, **values)


def _write_units(folder: Path) -> Path:
    """The units of a machine whose `receiver` command exists, as `systemd-analyze` demands."""
    command = folder / "receiver"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for name in (*UNITS, WORKER_UNIT):
        (folder / name).write_text(render(name, replace(EXAMPLE, command=str(command))))
    return folder


@without_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing to report."""
    units = [str(_write_units(tmp_path) / name) for name in (*UNITS, WORKER_UNIT)]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    reported = [line for line in done.stderr.splitlines() if "receiver" in line]
    assert (done.returncode, reported) == (0, [])


@without_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_the_services_are_as_hardened_as_the_docs_say(name: str, tmp_path: Path) -> None:
    """`systemd-analyze security` counts what a service could do that it need not: 10 is all, 0 nothing."""
    unit = _write_units(tmp_path) / name
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", str(unit)], capture_output=True, text=True, check=True
    )
    score = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    documented = re.search(r"exposure\s+level\s+below\s+([0-9.]+)", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    assert score is not None
    assert documented is not None
    assert float(score[1]) < float(documented[1])


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "StateDirectory=receiver"),
        ({"data": "/srv/calls"}, "ReadWritePaths=/srv/calls"),
        ({"folder": "/home/me/calls"}, "ProtectHome=read-only"),
        ({"database_url": "postgresql://u@h/d"}, "After=receiver.socket network-online.target postgresql.service"),
    ],
)
def test_a_unit_follows_the_places_of_its_machine(values: dict[str, Any], line: str) -> None:
    """It may write where the data is, and sees the folder of the settings."""
    assert line in render("receiver.service", replace(EXAMPLE, **values)).splitlines()


def test_haproxys_certificate_is_made_of_certbots(tmp_path: Path) -> None:
    """Certificate and key in one file that others cannot read; HAProxy then loads it."""
    live = tmp_path / "etc/letsencrypt/live/calls.example.com"
    live.mkdir(parents=True)
    (live / "fullchain.pem").write_text("certificate\n")
    (live / "privkey.pem").write_text("key\n")
    script = (DEPLOY / "haproxy-certificate.sh").read_text(encoding="utf-8").replace(" /etc/", f" {tmp_path}/etc/")
    done = subprocess.run(["sh", "-c", script.replace("systemctl", "echo")], capture_output=True, text=True, check=True)
    made = tmp_path / "etc/haproxy/certs/calls.example.com.pem"
    assert (made.read_text(), made.stat().st_mode & 0o077) == ("certificate\nkey\n", 0)
    assert done.stdout == "try-reload-or-restart haproxy\n"
    assert str(made).removeprefix(str(tmp_path)) in (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
