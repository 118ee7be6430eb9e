"""`receiver init`: what it writes runs, and it overwrites nothing by itself."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pexpect
import pytest
import trustme
from typer.testing import CliRunner

from receiver.cli import app
from receiver.cli.deployment.machine import PROXIES, Proxy
from receiver.cli.deployment.rendering import PROXY_FILES
from tests.deploy.dockerfile import ROOT
from tests.deploy.proxies import MISSING, program
from tests.scenarios.serving import COMMAND, free_port, serving

URL = "https://calls.example.com"
STARTS = ("ListenStream=", "ExecStart=")
ACTIVATE = shutil.which("systemd-socket-activate")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _init(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["init", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def _secret(folder: Path) -> str:
    [secret] = tomllib.loads((folder / "receiver.toml").read_text())["secrets"]
    return str(secret)


def test_a_receiver_starts_with_what_is_written(folder: Path) -> None:
    """Callbacks arrive at the URL that is printed, below the secret, and are stored in the data folder."""
    (folder / "data").mkdir()
    said = _init("--public-url", URL, "--data", str(folder / "data"))
    path = f"/{_secret(folder)}/voicenter"
    assert f"{URL}{path}\n" in said
    with serving(folder) as receiver:
        assert httpx.post(f"{receiver.url}{path}", json={"ivruniqueid": "1"}).status_code == 200
        assert httpx.post(f"{receiver.url}/voicenter", json={"ivruniqueid": "1"}).status_code == 404
    assert (folder / "data" / "receiver.db").exists()


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not installed: apt-get install systemd")
def test_a_receiver_starts_with_its_socket_from_systemd(folder: Path) -> None:
    """As the units say: systemd listens, and the first callback waits until the receiver has started."""
    (folder / "data").mkdir()
    _init("--public-url", URL, "--data", str(folder / "data"), "--port", str(free_port()))
    units = [(folder / "deploy" / f"receiver.{kind}").read_text() for kind in ("socket", "service")]
    address, command = (line.split("=")[1] for text in units for line in text.splitlines() if line.startswith(STARTS))
    passed_on = [f"--setenv={name}" for name in ("PATH", "PYTHONPATH")]
    process = subprocess.Popen(
        [str(ACTIVATE), f"--listen={address}", *passed_on, *command.split()],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://{address}/{_secret(folder)}/voicenter"
        retrying = httpx.HTTPTransport(retries=20)  # until systemd listens
        with httpx.Client(transport=retrying, timeout=60) as sender:
            assert sender.post(url, json={"ivruniqueid": "1"}).json() == {"err": "0", "errdesc": "OK"}
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture
def certificate(folder: Path) -> str:
    """A file with a certificate and its key, which all three proxies read."""
    file = folder / "certificate.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(file)
    return str(file)


@pytest.mark.skipif(bool(MISSING), reason=f"proxies are not installed: apt-get install {' '.join(MISSING)}")
@pytest.mark.parametrize("proxy", PROXIES)
def test_the_proxy_accepts_its_file(folder: Path, certificate: str, proxy: Proxy) -> None:
    """By its own command for that, which is printed, too."""
    url = f"https://localhost:{free_port()}"
    said = _init("--public-url", url, "--proxy", proxy, "--certificate", certificate, "--certificate-key", certificate)
    written = folder / "deploy" / PROXY_FILES[proxy]
    assert certificate in written.read_text()
    # Port 80 takes root, and a test needs none.
    written.write_text(written.read_text().replace(":80;", f":{free_port()};").replace(" 80;", f" {free_port()};"))
    (folder / "main.conf").write_text(f"pid nginx.pid; events {{}} http {{ include {written}; }}")
    name, *arguments = {
        "nginx": ("nginx -t", "-p", str(folder), "-c", "main.conf", "-e", "error.log"),
        "caddy": ("caddy validate", "--adapter", "caddyfile", "--config", str(written)),
        "haproxy": ("haproxy -c", "-f", str(written)),
    }[proxy]
    option = name.split()[1]
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    done = subprocess.run(
        [str(program(proxy)), option, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert name in said


def test_the_secret_is_for_the_service_alone(folder: Path) -> None:
    """It is in the settings, which others cannot read, in no other file, and another one each time."""
    _init("--public-url", URL)
    _init("--public-url", URL, "--folder", "other")
    assert (folder / "receiver.toml").stat().st_mode & 0o007 == 0
    secret = _secret(folder)
    assert len(secret) >= 32
    assert [path.name for path in folder.rglob("*") if path.is_file() and secret in path.read_text()] == [
        "receiver.toml"
    ]
    assert _secret(folder / "other") != secret


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    """If one of the files exists, none is written; with --force the secret stays, as the provider calls it."""
    (folder / "receiver.toml").write_text('secrets = ["the-secret-of-a-provider"]\nkeep_days = 5\n')
    said = " ".join(_init("--public-url", URL, code=2).split())
    assert f"{folder}/receiver.toml would be overwritten: add --force" in said
    assert not (folder / "deploy").exists()
    _init("--public-url", URL, "--force")
    assert _secret(folder) == "the-secret-of-a-provider"
    assert (folder / "deploy" / "receiver.service").exists()


def test_settings_that_cannot_be_read_are_not_replaced(folder: Path) -> None:
    """Their secret would be lost."""
    (folder / "receiver.toml").write_text('secrets = ["the-secret')
    assert "cannot be read, and has the secret" in _init("--public-url", URL, "--force", code=2)
    assert (folder / "receiver.toml").read_text() == 'secrets = ["the-secret'


def test_the_units_name_the_places_of_this_machine(folder: Path) -> None:
    """The command of this installation, the folder, the user and the data."""
    _init("--public-url", URL, "--user", "calls", "--database-url", "postgresql://receiver@db.example.com/calls")
    unit = (folder / "deploy" / "receiver.service").read_text()
    command = next(line.removeprefix("ExecStart=").split()[0] for line in unit.splitlines() if "ExecStart=" in line)
    assert Path(command).exists()
    assert {f"WorkingDirectory={folder}", "User=calls", "StateDirectory=receiver"} <= set(unit.splitlines())
    assert (folder / "deploy" / "receiver-work.service").exists()


def test_the_units_start_the_command_that_was_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link stays one: an upgrade and a rollback change where it points to."""
    (folder / "receiver-0.1.0").write_text("#!/bin/sh\n")
    (folder / "receiver-0.1.0").chmod(0o755)
    (folder / "receiver").symlink_to("receiver-0.1.0")
    monkeypatch.setattr(sys, "argv", [str(folder / "receiver"), "init"])
    _init("--public-url", URL)
    assert f"ExecStart={folder}/receiver serve\n" in (folder / "deploy" / "receiver.service").read_text()


@pytest.mark.parametrize("proxy", PROXIES)
def test_the_next_steps_name_the_files_that_were_written(folder: Path, proxy: Proxy) -> None:
    """Each file that is to be copied exists, and the proxy's own check comes before its reload."""
    said = _init("--public-url", URL, "--proxy", proxy)
    copied = [line.split()[1] for line in said.splitlines() if line.strip().startswith("cp ")]
    assert copied == [f"{folder}/deploy/receiver*.*", f"{folder}/deploy/{PROXY_FILES[proxy]}"]
    assert all(list(Path("/").glob(one[1:])) for one in copied)
    assert f"check --url {URL}" in said


def test_without_a_terminal_nothing_is_asked(folder: Path) -> None:
    """What is missing is named, and nothing is written."""
    assert "--public-url https://calls.example.com" in _init(code=2)
    assert not list(folder.iterdir())


def test_on_a_terminal_it_asks_for_what_is_missing(folder: Path) -> None:
    """The address and the proxy; the latter again until it is one."""
    shown = pexpect.spawn(COMMAND[0], [*COMMAND[1:], "init"], cwd=str(folder), encoding="utf-8", timeout=60)
    shown.expect("The address that providers call")
    shown.sendline(URL)
    shown.expect("The proxy that listens on it")
    shown.sendline("apache")
    shown.expect("write one of nginx, caddy, haproxy")
    shown.sendline("haproxy")
    shown.expect("check --url")
    shown.expect(pexpect.EOF)
    assert (folder / "deploy" / "haproxy.cfg").exists()
