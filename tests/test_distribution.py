"""The distribution: as a container installs it, and two make targets on a fresh clone."""

import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.deploy import dockerfile
from tests.scenarios.serving import Receiver, free_port

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a container: what the first stage of deploy/Dockerfile makes."""
    scratch = tmp_path_factory.mktemp("container")
    dockerfile.build(scratch)
    (scratch / "data").mkdir()
    return scratch


def test_the_package_works_in_an_empty_environment(root: Path, tmp_path: Path) -> None:
    """It has the `receiver` command, the handlers, the templates, the migrations and the samples."""
    [packages] = (root / "opt" / "receiver" / "lib").glob("python3.*/site-packages")
    installed = {str(file.relative_to(packages)) for file in (packages / "handlers").glob("**/*.py")}
    assert installed == {str(file.relative_to(ROOT)) for file in (ROOT / "handlers").glob("**/*.py")}
    command = root / "opt" / "receiver" / "bin" / "receiver"
    assert "handlers.demo.main_menu" in _run(command, "check", cwd=tmp_path)
    for kind in ("ivr", "records", "popup"):
        assert f"handlers.my_{kind}" in _run(command, "new", f"my_{kind}", f"--{kind}", cwd=tmp_path)
    assert "3 passed, 0 failed" in _run(command, "test", cwd=tmp_path)
    _run(command, "init", "--public-url", "https://calls.example.com", "--folder", tmp_path / "server", cwd=tmp_path)
    receiver = Receiver(tmp_path, command=[str(command)])
    try:
        assert "reply 200" in _run(command, "send", "ivr-start", "--url", receiver.url, cwd=tmp_path)
        assert "GET_IVR_ACTION" in _run(command, "callbacks", "list", cwd=tmp_path)
    finally:
        receiver.stop()


def _files(root: Path) -> dict[Path, int]:
    """Each file and folder below it, apart from the data, with the time of its last change."""
    found = (path for path in root.rglob("*") if root / "data" not in (path, *path.parents))
    return {path: path.stat().st_mtime_ns for path in found}


def test_a_container_writes_nothing_but_its_data(root: Path) -> None:
    """So its root may be read-only; its command starts a receiver that its health check finds alive."""
    last = dockerfile.read()[1][-1]
    work = root / last.last("WORKDIR").lstrip("/")
    work.mkdir(parents=True)
    environment = {
        **dockerfile.environment(root),
        "RECEIVER_PORT": str(free_port()),
        "RECEIVER_SECRETS": "a-secret-path",
    }
    before = _files(root)
    receiver = Receiver(work, options=(), command=dockerfile.exec_form(last.last("CMD")), **environment)
    try:
        url = f"http://127.0.0.1:{environment['RECEIVER_PORT']}/a-secret-path/voicenter"
        assert httpx.post(url, json={"ivruniqueid": "1"}).json() == {"err": "0", "errdesc": "OK"}
        _run(*dockerfile.exec_form(last.last("HEALTHCHECK")), cwd=work, **environment)
    finally:
        receiver.stop()
    assert _files(root) == before
    assert (root / "data" / "receiver.db").exists()


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
