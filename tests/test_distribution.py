"""The distribution: the wheel in an empty environment, and two make targets on a fresh clone."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.scenarios.serving import Receiver

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.timeout(600)


def _run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """The output of a command, which must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    """It has the `receiver` command, the handlers, the templates, the migrations and the samples."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT, cwd=tmp_path)
    [wheel] = tmp_path.glob("callback_receiver-*.whl")
    bundled = {str(file.relative_to(ROOT)) for file in (ROOT / "handlers").glob("**/*.py")}
    assert bundled <= set(ZipFile(wheel).namelist())
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    constraints = ROOT / "deploy" / "constraints.txt"
    _run(*pip, "--python", python, "install", "--quiet", "--constraint", constraints, wheel, cwd=tmp_path)
    folder = tmp_path / "empty"
    folder.mkdir()
    command = tmp_path / "venv" / "bin" / "receiver"
    assert "handlers.demo.main_menu" in _run(command, "check", cwd=folder)
    for kind in ("ivr", "records", "popup"):
        assert f"handlers.my_{kind}" in _run(command, "new", f"my_{kind}", f"--{kind}", cwd=folder)
    assert "3 passed, 0 failed" in _run(command, "test", cwd=folder)
    receiver = Receiver(folder, command=[str(command)])
    try:
        assert "reply 200" in _run(command, "send", "ivr-start", "--url", receiver.url, cwd=folder)
        assert "GET_IVR_ACTION" in _run(command, "callbacks", "list", cwd=folder)
    finally:
        receiver.stop()


def test_make_works_on_a_fresh_clone(tmp_path: Path) -> None:
    """`make serve` starts a receiver and `make test` runs tests, with only Python, venv and make installed."""
    for tool in ("git", "make"):
        if shutil.which(tool) is None or not (ROOT / ".git").exists():
            pytest.skip(f"this test needs a git checkout and {tool}: `apt-get install {tool}`")
    clone = tmp_path / "clone"
    _run("git", "clone", "--quiet", ROOT, clone, cwd=tmp_path)
    _run("make", "test", cwd=clone, PYTEST_ADDOPTS="tests/delivery/test_retry_policy.py")
    receiver = Receiver(clone, command=["make", "serve"], options=(), RECEIVER_PORT="0")
    try:
        reply = httpx.post(f"{receiver.url}/voicenter", json={"ivruniqueid": "0540000000"})
        assert reply.json() == {"err": "0", "errdesc": "OK"}
    finally:
        receiver.stop()
