"""The commands of docs/operate.md, run in the order of the page, in a folder that stands for the machine's root.

`receiver` commands run for real, beside a receiver that is started and stopped where the page does so. So do those that
move files. What only a machine with systemd, Docker or Kubernetes can run must name what is in deploy/.
"""

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from receiver.cli import app
from receiver.operations.alarms.catalogue import CONDITIONS
from receiver.settings import Settings
from storage import Database
from tests.deploy.generate import DEPLOY
from tests.handlers.servers import web_server
from tests.postgres import make_database
from tests.scenarios.serving import Receiver, free_port
from tests.test_docs import ROOT, blocks, cells, read, section

PAGE = ROOT / "docs" / "operate.md"
PUBLIC = "https://calls.example.com"
POSTGRESQL = "postgresql://receiver@db.example.com/calls"
ON_FILES = {"cp", "ln", "ls", "mv", "rm", "sed"}
CODES = {"receiver migrate --check": 1}
"""Where the page expects another exit code than 0: migrations are missing."""
_PLACES = re.compile(r"(?<![\w.-])/(?=(?:etc|opt|var)/)")


class Machine:
    """The root of a machine: settings as `receiver init` writes them, a release, and a running receiver."""

    def __init__(self, root: Path, postgresql: str, recipient: str) -> None:
        self.root, self.postgresql, self.port = root, postgresql, free_port()
        self.settings = root / "etc/receiver"
        for folder in ("etc/receiver", "opt/receiver", "var/lib/receiver/backups"):
            (root / folder).mkdir(parents=True)
        options = ("--public-url", PUBLIC, "--port", str(self.port), "--data", str(root / "var/lib/receiver"))
        assert CliRunner().invoke(app, ["init", "--folder", str(self.settings), *options]).exit_code == 0
        with (self.settings / "receiver.toml").open("a") as file:
            file.write(f'[alarms]\nurls = ["{recipient.replace("http", "json")}"]\nheartbeat_url = "{recipient}"\n')
            file.write('check_url_every = ""\ncertificate_days = 0\n')
        self._receiver: Receiver | None = None

    def start(self) -> None:
        """Start the receiver, unless it runs."""
        self._receiver = self._receiver or Receiver(self.settings, options=["serve"])

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._receiver:
            self._receiver.stop()
        self._receiver = None

    def written(self, line: str) -> str:
        """A line of the page with this machine's places and addresses."""
        line = line.replace(POSTGRESQL, self.postgresql).replace(PUBLIC, f"http://127.0.0.1:{self.port}")
        return _PLACES.sub(f"{self.root}/", line.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}"))

    def run(self, line: str) -> None:
        """Run a line of the page as root would."""
        words = shlex.split(self.written(line), comments=True)
        if words[:3] == ["runuser", "-u", "receiver"]:
            words = words[4:]
        name = Path(words[0]).name if words else ""
        if name == "receiver":
            self._run_receiver(words[1:])
        elif name in ON_FILES:
            done = subprocess.run(["bash", "-ec", self.written(line)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, line + done.stderr
        elif name == "curl":
            assert httpx.get(words[1]).json()["status"] == "ready"
        elif name:
            CHECKS[name](words, self)

    def _run_receiver(self, arguments: list[str]) -> None:
        if arguments == ["migrate", "--check"]:  # as if the last release had made the tables
            with Database(f"sqlite:///{self.root}/var/lib/receiver/receiver.db") as database:
                database.step_back("0004")
        done = CliRunner().invoke(app, arguments)
        expected = CODES.get(" ".join(["receiver", *arguments]), 0)
        assert done.exit_code == expected, f"$ receiver {' '.join(arguments)}\n{done.output}"


def _systemctl(words: list[str], machine: Machine) -> None:
    action, *units = [word for word in words[1:] if not word.startswith("--")]
    for unit in units:
        file = unit if "." in unit else f"{unit}.service"
        assert (DEPLOY / "systemd" / file).exists(), unit
    if action == "stop" or words[1:3] == ["disable", "--now"]:
        # Without its socket: else systemd starts the receiver again with the next callback.
        assert {"receiver", "receiver.socket"} <= set(units) or units == ["receiver-work"]
        machine.stop()
    elif action == "start" and "receiver" in units:
        machine.start()


def _docker(words: list[str], _machine: Machine) -> None:
    assert words[1:3] == ["compose", "--file"]
    services = yaml.safe_load((ROOT / words[3]).read_text())["services"]
    named = {word.split("=")[0] for word in words if re.fullmatch(r"\w+=\d+", word)}
    assert named <= set(services)


def _kubectl(words: list[str], _machine: Machine) -> None:
    objects = {
        f"{one['kind'].lower()}/{one['metadata']['name']}": one
        for file in (DEPLOY / "kubernetes").glob("*.yaml")
        for one in yaml.safe_load_all(file.read_text())
        if "kind" in one and "metadata" in one
    }
    [claim] = objects["statefulset/receiver"]["spec"]["volumeClaimTemplates"]
    [named] = [word for word in words if "/" in word]
    expected = f"persistentvolumeclaim/{claim['metadata']['name']}-receiver-2"
    assert named in {*objects, expected}
    assert words[words.index("--namespace") + 1] == objects["statefulset/receiver"]["metadata"]["namespace"]


def _cd(words: list[str], machine: Machine) -> None:
    assert Path(words[1]) == machine.settings
    os.chdir(words[1])


def _alias(words: list[str], machine: Machine) -> None:
    assert words[1] == f"receiver=runuser -u receiver -- {machine.root}/opt/receiver/bin/receiver"


def _journalctl(words: list[str], _machine: Machine) -> None:
    assert (DEPLOY / "systemd" / f"{words[words.index('--unit') + 1]}.service").exists()


def _venv(words: list[str], _machine: Machine) -> None:
    assert words[1:3] == ["-m", "venv"]
    Path(words[3]).mkdir()


def _pip(words: list[str], _machine: Machine) -> None:
    assert (ROOT / words[words.index("--constraint") + 1]).exists()


CHECKS: Mapping[str, Callable[[list[str], Machine], None]] = {
    "alias": _alias,
    "cd": _cd,
    "docker": _docker,
    "journalctl": _journalctl,
    "kubectl": _kubectl,
    "pip": _pip,
    "python3": _venv,
    "systemctl": _systemctl,
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str) -> Iterator[Machine]:
    """A machine whose receiver runs, and whose alarms go to a server of this test."""
    monkeypatch.chdir(tmp_path)  # and back at the end
    with web_server() as recipient:
        machine = Machine(tmp_path, make_database(postgres_server), recipient.url)
        machine.start()
        yield machine
        machine.stop()


def test_the_commands_of_the_page_succeed(machine: Machine) -> None:
    """In their order; afterwards PostgreSQL has the callback of the first day, and the link is that of the rollback."""
    ran = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
    for line in ran:
        machine.run(line)
    assert sum("receiver " in line for line in ran) > 40
    assert (machine.root / "opt/receiver").readlink() == Path("receiver-0.1.0")
    stored = CliRunner().invoke(app, ["callbacks", "list", "--json", "--database-url", machine.postgresql])
    assert '"kind":"CDR"' in stored.output.replace(" ", "")
    assert machine.postgresql in (machine.settings / "receiver.toml").read_text()


def test_the_settings_of_the_page_are_valid() -> None:
    """Each block of them."""
    shown = [tomllib.loads(block) for block in blocks(PAGE, "toml")]
    assert [list(block) for block in shown if Settings(**block)] == [["alarms"], ["allow_from"]]


def test_every_alarm_has_its_urgency() -> None:
    """And a link to what it means."""
    rows = cells(section(read("docs/operate.md"), "When an alarm begins"))
    named = {row[0] for row in rows if row[0].startswith("[")}
    assert named == {f"[`{name}`](alarms.md#{name})" for name in CONDITIONS}


def test_the_figures_of_the_capacity_table_follow_from_the_page() -> None:
    """The busiest second is a day / 4,320, a core delivers 1,500 a second, a callback takes 800 bytes."""
    text = section(read("docs/operate.md"), "Capacity")
    assert all(figure in text for figure in ("a day / 4,320", "that second / 1,500", "365 days of 800 bytes"))
    rows = [row for row in cells(text) if re.fullmatch(r"[\d,]+", row[0])]
    assert len(rows) == 5
    for row in rows:
        day, second, percent, gigabytes = (float(re.sub(r"[^\d.]", "", cell)) for cell in row[:4])
        exact = (day / 4320, day / 4320 / 15, day * 365 * 800 / 1e9)
        assert (second, percent, gigabytes) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(
    ("heading", "row", "rounded"),
    [
        ("Compared with its peers", "receiver: CDR XML-RPC, a handler draining", 1500),
        ("In a large journal", "and with a delivery that is done", 800),
    ],
)
def test_the_rounded_figures_are_those_of_the_performance_page(heading: str, row: str, rounded: float) -> None:
    """A benchmark that comes out far from them makes the table wrong."""
    [found] = [one for one in cells(section(read("docs/performance.md"), heading)) if one[0] == row and len(one) > 3]
    measured = float(found[1].replace(",", "").split()[0])
    assert rounded == pytest.approx(measured, rel=0.4)
