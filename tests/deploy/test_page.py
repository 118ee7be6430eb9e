"""The commands of deploy/README.md, run in the order of the page, in a folder that stands for the machine's root.

Programs that change a machine are stand-ins: each notes its arguments, and fails if a file that they name is not there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from receiver.cli.deployment.next_steps import next_steps
from tests.deploy.generate import DEPLOY, EXAMPLE
from tests.deploy.test_compose import COMPOSE, OURS
from tests.test_docs import ROOT, blocks

PAGE = DEPLOY / "README.md"
STAND_INS = ("apt-get", "certbot", "chgrp", "docker", "kubectl", "nginx", "runuser", "systemctl", "useradd")
_STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
for word in "$@"; do
    case "$word" in deploy/*|secret.yaml) [ -e "$word" ] || { echo "$word is not there" >&2; exit 9; } ;; esac
done
"""
_PYTHON = """#!/bin/sh
# python3 -m venv FOLDER
mkdir -p "$3/bin"
cp "$(command -v nginx)" "$3/bin/pip"
printf '#!/bin/sh\\nexec {python} -m receiver "$@"\\n' > "$3/bin/receiver"
chmod +x "$3/bin/receiver"
"""
_PLACES = re.compile(r"(?<![\w./-])/(?=(?:etc|opt)/)")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine with a project folder, and with the stand-ins in `bin`."""
    shutil.copytree(DEPLOY, tmp_path / "project" / "deploy")
    for folder in ("bin", "etc/systemd/system", "etc/nginx/conf.d"):
        (tmp_path / folder).mkdir(parents=True)
    programs = {**dict.fromkeys(STAND_INS, _STAND_IN), "python3": _PYTHON.replace("{python}", sys.executable)}
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def _run(machine: Path, block: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECEIVER_")}
    environment |= {"PATH": f"{machine}/bin:{environment['PATH']}", "LOG": f"{machine}/log", "PYTHONPATH": str(ROOT)}
    script = _PLACES.sub(f"{machine}/", block)
    done = subprocess.run(
        ["bash", "-euc", script], cwd=machine / "project", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, script + done.stdout + done.stderr


def test_the_commands_of_the_page_succeed(machine: Path) -> None:
    """Each finds the files that it names; afterwards units and proxy have their places, and `init` was run for real."""
    for block in blocks(PAGE, "sh"):
        _run(machine, block)
    log = (machine / "log").read_text()
    [enabled] = re.findall(r"systemctl enable --now (.*)", log)
    assert {path.name for path in (machine / "etc/systemd/system").iterdir()} >= set(enabled.split())
    assert (machine / "etc/receiver/receiver.toml").exists()
    assert "server_name calls.example.com;" in (machine / "etc/nginx/conf.d/receiver.conf").read_text()
    assert {line.split()[0] for line in log.splitlines()} >= set(STAND_INS) - {"nginx"}


def test_the_page_shows_the_commands_that_init_prints() -> None:
    """For the example, in their order."""
    printed = [command for step in next_steps(EXAMPLE) for command in step.commands]
    assert blocks(PAGE, "sh")[1].splitlines() == printed


def test_the_page_names_every_file_of_its_folder() -> None:
    """Each file or folder is in the table, and the table has no other."""
    table = PAGE.read_text(encoding="utf-8").split("\n## Files\n")[1]
    named = {name.rstrip("/") for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in code(row)}
    tracked = subprocess.run(["git", "ls-files"], cwd=DEPLOY, capture_output=True, text=True, check=True).stdout
    assert named == {line.split("/")[0] for line in tracked.splitlines()} - {"README.md"}


def code(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def test_what_compose_and_kubernetes_are_told_exists() -> None:
    """The services, jobs and volumes that the commands of the page name."""
    text = "\n".join(blocks(PAGE, "sh"))
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    assert set(re.findall(r"docker compose .* run --rm (\w+)", text)) <= set(OURS)
    volumes = {f"{compose['name']}_{name}" for name in compose["volumes"]}
    assert set(re.findall(rf"{compose['name']}_\w+", text)) <= volumes
    [job] = re.findall(r"job/(\S+)", text)
    assert f"name: {job}\n" in (DEPLOY / "kubernetes" / "migrate.yaml").read_text(encoding="utf-8")
