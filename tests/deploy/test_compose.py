"""deploy/compose.yaml with deploy/env.example: valid, and consistent with the image and the settings."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from compose_spec import PyOptions

from receiver.cli import app
from receiver.setting_sources import PREFIX
from receiver.settings import Settings
from tests.deploy import dockerfile
from tests.deploy.generate import DEPLOY
from tests.deploy.proxies import MISSING, program

COMPOSE, CADDYFILE = DEPLOY / "compose.yaml", DEPLOY / "compose.Caddyfile"
OURS = ("migrate", "receiver", "worker", "backup")
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+):\?\})")


def example() -> dict[str, str]:
    """The variables of env.example."""
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """The file as Compose reads it: each `${NAME:?}` replaced, `$$` as `$`."""
    return _VARIABLE.sub(lambda found: variables[found[1]] if found[1] else "$", text)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, with the values of env.example."""
    found: dict[str, Any] = yaml.safe_load(interpolated(COMPOSE.read_text(encoding="utf-8"), example()))["services"]
    return found


def test_the_file_follows_the_compose_specification() -> None:
    """Every key, value, network, volume and image name in it is one."""
    options = PyOptions(apply_merge=True)
    compose = options.from_yaml(interpolated(COMPOSE.read_text(encoding="utf-8"), example()))
    compose.validate()
    assert {"caddy", "postgres", *OURS} == set(compose.service_names())


def test_env_example_has_every_variable_and_no_other() -> None:
    """Each stands in the file without a default of its own: Compose refuses to start where one is missing."""
    text = COMPOSE.read_text(encoding="utf-8")
    used = {found[1] for found in _VARIABLE.finditer(text) if found[1]}
    assert used == example().keys()
    assert "$" not in _VARIABLE.sub("", text)


def test_the_variables_of_the_receiver_are_settings(services: dict[str, Any]) -> None:
    """They are valid, the same for all, and let Caddy alone name a sender's address."""
    given = services["receiver"]["environment"]
    assert all(services[name]["environment"] == given for name in OURS)
    names = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    assert names.keys() <= Settings.model_fields.keys()
    settings = Settings(**names)
    [proxy] = settings.trusted_proxies
    assert str(proxy.network_address) == services["caddy"]["networks"]["front"]["ipv4_address"]
    assert settings.secrets


def test_services_wait_for_services_that_exist(services: dict[str, Any]) -> None:
    """The tables are migrated before anything else of ours starts."""
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= services.keys(), name
    assert all("migrate" in services[name]["depends_on"] for name in OURS if name != "migrate")


def test_only_caddy_can_be_called_from_outside(services: dict[str, Any]) -> None:
    """PostgreSQL shares no network with it."""
    assert [name for name, service in services.items() if "ports" in service] == ["caddy"]
    assert not set(services["postgres"]["networks"]) & set(services["caddy"]["networks"])
    assert all(set(services[name]["networks"]) == {"front", "inside"} for name in OURS)


def test_our_services_have_no_rights_and_write_to_the_volume_alone(services: dict[str, Any]) -> None:
    """The volumes are where the image has its data and its settings."""
    image = dockerfile.read()[1][-1]
    for service in (services[name] for name in OURS):
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        places = [volume.split(":")[1:] for volume in service["volumes"]]
        assert all(place in ([image.last("WORKDIR"), "ro"], [image.last("VOLUME")]) for place in places)


def test_our_services_run_commands_that_exist(services: dict[str, Any]) -> None:
    """Each is one of the receiver's."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # checked when it runs
    for service in (services[name] for name in OURS):
        words = service.get("command") or dockerfile.exec_form(dockerfile.read()[1][-1].last("CMD"))
        line = shlex.split(words[-1]) if words[0] == "sh" else words
        assert line[line.index("receiver") + 1] in known


@pytest.mark.skipif(bool(MISSING), reason=f"proxies are not installed: apt-get install {' '.join(MISSING)}")
def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    """With the host name from the environment, and the receiver by the name of its service."""
    text = CADDYFILE.read_text(encoding="utf-8")
    assert "reverse_proxy receiver:8000 {" in text
    environment = {"SITE": example()["SITE"], "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(
        [str(program("caddy")), "validate", "--adapter", "caddyfile", "--config", str(CADDYFILE)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed: apt-get install git")
def test_what_holds_secrets_is_in_no_commit() -> None:
    """The file of the variables, and the folder of the settings."""
    names = ["deploy/.env", example()["SETTINGS_FOLDER"].replace("./", "deploy/") + "/receiver.toml"]
    done = subprocess.run(
        ["git", "check-ignore", *names], cwd=DEPLOY.parent, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == names
